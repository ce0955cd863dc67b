-- Is everything well? Asked by GET /health, which shows no more than this to anybody.

-- What the database knows of its own health: { circuits: [providers refused now], overdue_jobs }.
create function public.health()
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'open_circuits', (
      select coalesce(jsonb_agg(provider order by provider), '[]')
      from private.provider_circuits where open_until is not null),
    -- A minute past its time: the worker is not being called, or cannot keep up.
    'overdue_jobs', (
      select count(*) from private.job_work
      where next_check_at < (select private.clock() - interval '1 minute')
        and (lease_until is null or lease_until < (select private.clock() - interval '1 minute'))));
$$;

revoke execute on function public.health() from public, anon, authenticated;
grant execute on function public.health() to service_role;
