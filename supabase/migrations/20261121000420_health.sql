-- The state of the database for GET /health, which returns no more than this to anyone.

-- The health check writes it, because a database that can be read may still be full.
create table private.heartbeat (
  only_row boolean primary key default true,
  beat_at timestamptz not null default now(),
  constraint there_is_one_heart check (only_row)
);

insert into private.heartbeat default values;

alter table private.heartbeat enable row level security;
create policy "Only the service role checks the health" on private.heartbeat
  for all to service_role using (true) with check (true);
grant select, update on private.heartbeat to service_role;

-- Writes the heartbeat and returns what the database knows of its own health: { circuits: [providers refused now],
-- overdue_jobs, step_providers: { step: provider } of the pipeline steps that are available }.
create function public.health()
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  -- It is written at most once in two seconds, however many checks there are.
  update private.heartbeat set beat_at = private.clock()
  where only_row and beat_at < private.clock() - interval '2 seconds';
  select jsonb_build_object(
    'open_circuits', (
      select coalesce(jsonb_agg(provider order by provider), '[]')
      from private.provider_circuits where open_until is not null),
    -- A minute late: the worker is not called, or cannot keep up.
    'overdue_jobs', (
      select count(*) from private.job_queue
      where next_check_at < (select private.clock() - interval '1 minute')
        and (lease_until is null or lease_until < (select private.clock() - interval '1 minute'))),
    'step_providers', (
      select coalesce(jsonb_object_agg(name, provider), '{}') from public.pipeline_steps where is_available));
$$;

revoke execute on function public.health() from public, anon, authenticated;
grant execute on function public.health() to service_role;
