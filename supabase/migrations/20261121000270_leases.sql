-- Leases: which worker has a job now. A lease ends at a fixed time; after that any worker may take the job.

-- Leases a job whose row the caller has locked. If the job waits to be submitted, its next attempt is opened. If
-- the worker stops right after the provider accepted it, the attempt counts as one without an answer.
create function private.take_lease(
  p_queued private.job_queue,
  p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_settings public.app_settings := (select app_settings from public.app_settings);
  v_job public.video_jobs := (select video_jobs from public.video_jobs where job_id = p_queued.job_id);
  v_submits boolean := p_queued.step < jsonb_array_length(p_queued.steps) and p_queued.provider_job_id is null
    and p_queued.attempts_of_step < v_settings.attempts_per_step and p_queued.step_deadline_at > v_now;
begin
  update private.job_queue set
    attempt = attempt + v_submits::integer,
    attempts_of_step = attempts_of_step + v_submits::integer,
    submitted_at = case when v_submits then v_now else submitted_at end,
    -- If this worker stops, another one continues at this time: at the latest when the step must end.
    next_check_at = least(
      case when v_job.completed_at is null then step_deadline_at end,
      v_now + make_interval(secs => case when v_submits
        then v_settings.unknown_submission_seconds
        else private.pause_seconds(v_job.created_at, v_job.expected_at) end)),
    -- A submission without an answer must not hold the lease after the deadline of its step.
    lease_until = least(
      case when v_submits then step_deadline_at end,
      v_now + make_interval(secs => case when p_queued.step < jsonb_array_length(p_queued.steps)
        then p_lease_seconds else v_settings.copy_lease_seconds end))
  where job_id = p_queued.job_id
  returning * into p_queued;
  return private.leased_job_json(v_job, p_queued, v_submits);
end;
$$;

revoke execute on function private.take_lease(private.job_queue, integer) from public, anon, authenticated;
grant execute on function private.take_lease(private.job_queue, integer) to service_role;

-- Leases up to p_limit due jobs that are to be submitted or looked at, and up to p_copies whose video is to be copied, the
-- most overdue first, and returns what their worker needs to know. They are apart, because copies that take long must not
-- keep a worker from looking, nor many looks keep finished videos waiting. A worker passes the `due_at` of the first jobs
-- that it got when it asks for more to look at: near its expected end a job is due again after 0.4 s, and one call must
-- not look twice. A row that cannot be leased is { job_id, problem }: it must not keep all other jobs from every worker.
create function public.lease_due_jobs(
  p_limit integer,
  p_lease_seconds integer default 60,
  p_copies integer default 8,
  p_due_at timestamptz default null
)
returns setof jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_due_at timestamptz := least(v_now, p_due_at);
  -- Two statements, so that neither reads the due jobs of the other kind: job_queue_copies_due.
  v_due private.job_queue[] := array(
    select job_queue from private.job_queue
    where next_check_at <= v_now and (lease_until is null or lease_until <= v_now)
      and step >= jsonb_array_length(steps)
    order by next_check_at
    limit p_copies
    for update skip locked
  ) || array(
    select job_queue from private.job_queue
    where next_check_at <= v_due_at and (lease_until is null or lease_until <= v_now)
      and step < jsonb_array_length(steps)
    order by next_check_at
    limit p_limit
    for update skip locked
  );
  v_queued private.job_queue;
  v_leased jsonb[];
begin
  begin
    v_leased := array(select private.take_lease(queued, p_lease_seconds) from unnest(v_due) as queued);
  exception when others then
    -- Each apart: if it were always so, it would take a quarter longer.
    foreach v_queued in array v_due loop
      begin
        v_leased := array_append(v_leased, private.take_lease(v_queued, p_lease_seconds));
      exception when others then
        update private.job_queue set lease_until = v_now + make_interval(secs => p_lease_seconds)
        where job_id = v_queued.job_id;
        v_leased := array_append(v_leased, jsonb_build_object('job_id', v_queued.job_id, 'problem', sqlerrm));
      end;
    end loop;
  end;
  return query select leased || jsonb_build_object('due_at', v_due_at) from unnest(v_leased) as leased;
end;
$$;

revoke execute on function public.lease_due_jobs(integer, integer, integer, timestamptz) from public, anon, authenticated;
grant execute on function public.lease_due_jobs(integer, integer, integer, timestamptz) to service_role;

-- Leases one job if it is due and no other worker has it; null otherwise.
create function public.lease_job(
  p_job_id uuid,
  p_lease_seconds integer default 60
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_queued private.job_queue;
begin
  select * into v_queued from private.job_queue
  where job_id = p_job_id
    -- The coalesce keeps Postgres from reading all due jobs by their index, which it may take for empty.
    and coalesce(next_check_at <= v_now and (lease_until is null or lease_until <= v_now), false)
  for update skip locked;
  return case when found then private.take_lease(v_queued, p_lease_seconds) end;
end;
$$;

revoke execute on function public.lease_job(uuid, integer) from public, anon, authenticated;
grant execute on function public.lease_job(uuid, integer) to service_role;
