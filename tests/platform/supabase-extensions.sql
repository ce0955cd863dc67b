-- What hosted Supabase has and a plain PostgreSQL has not, with the same signatures, writing down what it is told:
-- https://supabase.com/docs/guides/cron, https://supabase.com/docs/guides/database/extensions/pg_net,
-- https://supabase.com/docs/guides/database/vault

create schema cron;
create table cron.job (jobname text primary key, schedule text not null, command text not null);
create table cron.job_run_details (end_time timestamptz);
create function cron.schedule(job_name text, schedule text, command text) returns bigint language sql as $$
  insert into cron.job values (job_name, schedule, command)
  on conflict (jobname) do update set schedule = excluded.schedule, command = excluded.command
  returning 1;
$$;

create schema net;
create table net.calls (url text, body jsonb, headers jsonb, timeout_milliseconds integer);
create function net.http_post(
  url text, body jsonb default '{}', params jsonb default '{}', headers jsonb default '{}',
  timeout_milliseconds integer default 2000
) returns bigint language sql as $$
  insert into net.calls values (url, body, headers, timeout_milliseconds) returning 1;
$$;

create schema vault;
create table vault.decrypted_secrets (name text primary key, decrypted_secret text);
