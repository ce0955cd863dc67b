-- The schedule of the worker on Supabase: pg_cron calls the function advance-jobs through pg_net, with the secrets
-- `project_url` and `secret_key` of Vault. Where pg_cron, pg_net or Vault is missing (the local stack) nothing is
-- scheduled, and another process calls the function.

-- Calls the worker if anything is due, and as often at once as the due jobs need: one call makes 400 looks or about 40
-- copies, and eight calls together are about what a small database does in ten seconds. If nothing is due, it costs three
-- index lookups.
create function private.call_worker(
  p_task text default 'advance'
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_looks_of_a_call integer := 400;
  v_looks_of_a_copy integer := 10;
  v_most_calls integer := 8;
  v_calls integer := 1;
  v_url text;
  v_key text;
begin
  if p_task = 'advance' then
    select least(v_most_calls, ceil(coalesce(sum(looks), 0)::numeric / v_looks_of_a_call)) into v_calls from (
      select case when step >= jsonb_array_length(steps) then v_looks_of_a_copy else 1 end as looks
      from private.job_queue
      where next_check_at <= v_now and (lease_until is null or lease_until <= v_now)
      limit v_looks_of_a_call * v_most_calls) as due;
    if v_calls = 0 and (exists (select from private.runs_to_cancel where next_try_at <= v_now)
      or exists (select from private.thumbnail_work where next_check_at <= v_now)) then
      v_calls := 1;
    end if;
  end if;
  if v_calls = 0 then
    return;
  end if;
  execute 'select decrypted_secret from vault.decrypted_secrets where name = $1' into v_url using 'project_url';
  execute 'select decrypted_secret from vault.decrypted_secrets where name = $1' into v_key using 'secret_key';
  if v_url is null or v_key is null then
    raise warning 'The worker is not called: store project_url and secret_key in Vault (see docs/operations.md)';
    return;
  end if;
  -- pg_net's default timeout of two seconds is too short for a cold function; nothing waits for the answer.
  execute 'select net.http_post(url := $1, headers := $2, body := $3, timeout_milliseconds := 60000)
    from generate_series(1, $4)' using
    v_url || '/functions/v1/advance-jobs',
    jsonb_build_object('Content-Type', 'application/json', 'apikey', v_key),
    jsonb_build_object('task', p_task),
    v_calls;
end;
$$;

revoke execute on function private.call_worker(text) from public, anon, authenticated;

do $$
begin
  if (select count(*) from pg_available_extensions where name in ('pg_cron', 'pg_net')) = 2 then
    create extension if not exists pg_cron;
    create extension if not exists pg_net with schema extensions;
  end if;
  if to_regprocedure('cron.schedule(text, text, text)') is null or to_regclass('vault.decrypted_secrets') is null
    or not exists (select from pg_namespace where nspname = 'net') then
    return;
  end if;
  perform cron.schedule('reelmint-advance-jobs', '10 seconds', 'select private.call_worker()');
  perform cron.schedule('reelmint-purge', '17 * * * *', 'select private.call_worker(''purge'')');
  -- pg_cron does not clean its own log.
  perform cron.schedule('reelmint-purge-cron-trace', '27 3 * * *',
    'delete from cron.job_run_details where end_time < now() - interval ''7 days''');
end;
$$;
