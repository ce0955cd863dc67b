-- Runs that nobody needs any more and that still go on at the providers: those of deleted users and of deleted or given
-- up thumbnails. The worker cancels them, because we pay for each until it ends.

create table private.runs_to_cancel (
  provider text not null,
  provider_job_id text not null,
  model text not null,
  job_id uuid not null,
  attempt integer not null,
  tries integer not null default 0,
  next_try_at timestamptz not null,
  primary key (provider, provider_job_id)
);

create index runs_to_cancel_by_time on private.runs_to_cancel (next_try_at);

alter table private.runs_to_cancel enable row level security;
create policy "Only the service role cancels runs" on private.runs_to_cancel
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.runs_to_cancel to service_role;

-- Leases up to p_limit runs to be cancelled now, and returns what the provider must know about them, and whether this
-- is the last try. Each run is tried again later unless record_cancelled_run is called before.
create function public.lease_runs_to_cancel(
  p_limit integer
)
returns setof jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  update private.runs_to_cancel as runs set
    tries = tries + 1, next_try_at = private.clock() + make_interval(mins => runs.tries + 1)
  from (
    select provider, provider_job_id from private.runs_to_cancel
    where next_try_at <= (select private.clock())
    order by next_try_at
    limit p_limit
    for update skip locked
  ) as due
  where runs.provider = due.provider and runs.provider_job_id = due.provider_job_id
  returning jsonb_build_object(
    'job_id', job_id, 'attempt', attempt, 'provider_job_id', runs.provider_job_id,
    'step', jsonb_build_object('provider', runs.provider, 'model', model), 'is_last_try', tries >= 5);
$$;

revoke execute on function public.lease_runs_to_cancel(integer) from public, anon, authenticated;
grant execute on function public.lease_runs_to_cancel(integer) to service_role;

-- Records that a run needs no further cancellation: its provider answered, or it was tried often enough.
create function public.record_cancelled_run(
  p_provider text,
  p_provider_job_id text
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  delete from private.runs_to_cancel where provider = p_provider and provider_job_id = p_provider_job_id;
$$;

revoke execute on function public.record_cancelled_run(text, text) from public, anon, authenticated;
grant execute on function public.record_cancelled_run(text, text) to service_role;
