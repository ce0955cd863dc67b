-- What every hosted Supabase database has before the first migration and a plain PostgreSQL has not: the roles, the
-- schemas, the helpers that policies call, and the OPEN default privileges. They are mirrored as they are (everything
-- in `public` is everybody's unless a migration revokes it), for without them a test of a revoke would prove nothing.
-- The tables of `auth` and `storage` exist by now: they come from @supabase/lite. Safe to run again.

do $$
declare
  missing_role text;
begin
  foreach missing_role in array array[
    'anon', 'authenticated', 'service_role', 'supabase_auth_admin', 'supabase_storage_admin', 'dashboard_user'
  ] loop
    begin
      execute format('create role %I nologin noinherit', missing_role);
    exception when duplicate_object or unique_violation then
      null;
    end;
  end loop;
end
$$;
alter role service_role bypassrls;

create schema if not exists extensions;
grant usage on schema public, auth, storage, extensions to anon, authenticated, service_role;
do $$
declare
  extension_name text;
begin
  for extension_name in select name from pg_available_extensions where name in ('pgcrypto', 'uuid-ossp') loop
    execute format('create extension if not exists %I with schema extensions', extension_name);
  end loop;
  execute format('alter database %I set search_path = "$user", public, extensions', current_database());
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime;
  end if;
end
$$;

alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on sequences to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;

create or replace function auth.uid() returns uuid language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.sub', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'
  )::uuid
$$;

create or replace function auth.role() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.role', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'role'
  )
$$;

create or replace function auth.email() returns text language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim.email', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'email'
  )
$$;

create or replace function auth.jwt() returns jsonb language sql stable as $$
  select coalesce(
    nullif(current_setting('request.jwt.claim', true), ''),
    nullif(current_setting('request.jwt.claims', true), '')
  )::jsonb
$$;

-- Gap: lite's users belong to no instance.
alter table auth.users add column if not exists instance_id uuid;

-- Row level security, which the tables come with, decides what these rights reach.
grant all on storage.buckets, storage.objects to anon, authenticated, service_role;
alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;

-- Realtime's: https://github.com/supabase/realtime/tree/main/lib/realtime/tenants/repo/migrations. Who writes a message
-- wakes local/realtime, if anybody listens there.
create schema if not exists realtime;
grant usage on schema realtime to anon, authenticated, service_role;
create table if not exists realtime.messages (
  id uuid primary key default gen_random_uuid(),
  topic text not null,
  extension text not null,
  payload jsonb,
  event text,
  private boolean default false,
  updated_at timestamp not null default now(),
  inserted_at timestamp not null default now()
);
alter table realtime.messages enable row level security;
grant select, insert, update on realtime.messages to anon, authenticated, service_role;
-- Kept for three days there too.
delete from realtime.messages where inserted_at < now() - interval '3 days';

create or replace function realtime.topic() returns text language sql stable as $$
  select nullif(current_setting('realtime.topic', true), '')
$$;

-- There a failure is a warning; here it is raised, so that a test can see what becomes of it.
create or replace function realtime.send(payload jsonb, event text, topic text, private boolean default true)
returns void language plpgsql as $$
declare
  message_id uuid := gen_random_uuid();
begin
  perform set_config('realtime.topic', topic, true);
  insert into realtime.messages (id, payload, event, topic, private, extension)
  values (message_id, jsonb_build_object('id', message_id) || payload, event, topic, private, 'broadcast');
  perform pg_notify('realtime_messages', message_id::text);
end
$$;
