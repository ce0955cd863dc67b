-- The queue of jobs that still have something to do, and what a worker is given of them.

-- One row per job, apart from video_jobs for three reasons: owners can select * from their jobs, a lease does not touch
-- the row that they see, and the worker's index holds only jobs that still have something to do.
create table private.job_queue (
  job_id uuid primary key references public.video_jobs (job_id) on delete cascade,
  -- In order, as build_steps makes them. An input may name the artifact of an earlier step.
  steps jsonb not null,
  step integer not null default 0,
  -- What the steps have made so far, by step name, and the newest `video` and `thumbnail`: { url, provider, run }.
  artifacts jsonb not null default '{}',
  -- The number of the current submission. A report names the attempt that it belongs to; the report of an earlier
  -- attempt changes nothing.
  attempt integer not null default 0,
  attempts_of_step integer not null default 0,
  -- When the current attempt was opened, and the provider's id of its run once that is known. A time without an id: it
  -- was sent or is being sent, and may be running. Neither: the last attempt is over and the next is not yet made.
  submitted_at timestamptz,
  provider_job_id text,
  -- When a run was last seen in the provider's queue; a time before submitted_at belongs to an earlier attempt.
  queued_until timestamptz,
  -- When a worker must check the job again; null when nothing is left to do.
  next_check_at timestamptz,
  lease_until timestamptz,
  deadline_at timestamptz not null,
  -- When the current step is given up: at the job's deadline, or earlier if the video may be delivered without the
  -- step.
  step_deadline_at timestamptz not null,
  -- What the job's timings are made of: see `…345_timings.sql`. How long its runs took, when the last of them ended,
  -- and when its owner first saw the job's end.
  generating_seconds numeric not null default 0,
  made_at timestamptz,
  told_at timestamptz,
  -- Checks or copies in a row that failed for a transient reason.
  failures integer not null default 0,
  constraint steps_are_a_list check (jsonb_typeof(steps) = 'array' and jsonb_array_length(steps) > 0),
  constraint step_is_one_of_the_steps check (step between 0 and jsonb_array_length(steps)),
  constraint step_ends_by_the_deadline check (step_deadline_at <= deadline_at),
  constraint provider_job_belongs_to_an_attempt check (provider_job_id is null or submitted_at is not null),
  constraint attempts_are_counted check (attempts_of_step between 0 and attempt)
);

create index job_queue_due on private.job_queue (next_check_at) where next_check_at is not null;
-- The few whose video is to be copied: a worker finds them without reading all others that are due.
create index job_queue_copies_due on private.job_queue (next_check_at)
  where next_check_at is not null and step >= jsonb_array_length(steps);
create index job_queue_by_provider_job on private.job_queue (provider_job_id) where provider_job_id is not null;

alter table private.job_queue enable row level security;
create policy "Only the service role works on jobs" on private.job_queue
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.job_queue to service_role;

-- When a step that begins now is given up: at the job's deadline, or earlier if the video may be delivered without the
-- step.
create function private.step_deadline(
  p_step jsonb,
  p_deadline timestamptz
)
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return case when (p_step ->> 'optional')::boolean
    then least(p_deadline, private.clock() + make_interval(secs => (p_step ->> 'patience_seconds')::integer))
    else p_deadline end;
end;
$$;

revoke execute on function private.step_deadline(jsonb, timestamptz) from public, anon, authenticated;
grant execute on function private.step_deadline(jsonb, timestamptz) to service_role;

-- How long the steps from one place on may take together, in seconds; the first is 0.
create function private.longest_seconds(
  p_steps jsonb,
  p_from integer
)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_seconds integer := 0;
  v_step jsonb;
begin
  for v_place in p_from .. jsonb_array_length(p_steps) - 1 loop
    v_step := p_steps -> v_place;
    v_seconds := v_seconds + (case when (v_step ->> 'optional')::boolean then v_step -> 'patience_seconds'
      else v_step -> 'max_run_seconds' end)::integer;
  end loop;
  return v_seconds;
end;
$$;

revoke execute on function private.longest_seconds(jsonb, integer) from public, anon, authenticated;
grant execute on function private.longest_seconds(jsonb, integer) to service_role;

-- What a worker needs to know to advance a job, with the one thing to do next as `action`.
create function private.leased_job_json(
  p_job public.video_jobs,
  p_queued private.job_queue,
  p_attempt_opened boolean
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_attempts_per_step integer;
  v_store_retry_hours integer;
begin
  select attempts_per_step, store_retry_hours into v_attempts_per_step, v_store_retry_hours from public.app_settings;
  return jsonb_build_object(
    'job_id', p_job.job_id, 'user_id', p_job.user_id, 'status', p_job.status,
    'action', case
      when p_queued.step >= jsonb_array_length(p_queued.steps) then 'store'
      when p_queued.step_deadline_at <= v_now then 'expire'
      when p_queued.provider_job_id is not null then 'check'
      when p_attempt_opened then 'submit'
      else 'give_up' end,
    'step', p_queued.steps -> least(p_queued.step, jsonb_array_length(p_queued.steps) - 1),
    'artifacts', p_queued.artifacts,
    'attempt', p_queued.attempt, 'provider_job_id', p_queued.provider_job_id, 'failures', p_queued.failures,
    'attempts_of_step', p_queued.attempts_of_step,
    'attempts_left', v_attempts_per_step - p_queued.attempts_of_step,
    -- A step that is not optional leaves time for its own run and for the steps after it.
    'start_within_seconds', greatest(1, extract(epoch from p_queued.step_deadline_at - v_now)
      - case when (p_queued.steps -> p_queued.step ->> 'optional')::boolean then 0
        else private.longest_seconds(p_queued.steps, p_queued.step) end)::integer,
    'past_deadline', p_queued.deadline_at <= v_now,
    'age_ms', (extract(epoch from v_now - p_job.created_at) * 1000)::bigint,
    'settings', p_job.settings,
    'files_are_public', p_job.files_are_public,
    -- An imported video may have been completed years ago: there the time begins with its first copy.
    'copy_again', coalesce(case when p_job.imported_from is null then p_job.completed_at else p_queued.deadline_at end
      + make_interval(hours => v_store_retry_hours) > v_now, true));
end;
$$;

revoke execute on function private.leased_job_json(public.video_jobs, private.job_queue, boolean)
  from public, anon, authenticated;
grant execute on function private.leased_job_json(public.video_jobs, private.job_queue, boolean) to service_role;
