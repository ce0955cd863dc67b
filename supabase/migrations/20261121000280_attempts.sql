-- The attempts of a running job. Each procedure locks the job, checks that it is still in the state and at the attempt
-- that the caller knows, and returns { applied, job }: a late caller changes nothing and gets the job as it is.
-- The statements that then write the job ask only for its id and completed_at. A condition on status or next_check_at
-- would fit the index of all unfinished or of all due jobs, and while the statistics know none of them, Postgres reads
-- them all instead of one.

-- Locks a job and its row in the queue, in this order, for a report about one attempt. `current`: the job is unfinished
-- and the attempt is its current one. Read the time of a change after this: see private.horizon_of.
create function private.lock_job(
  p_job_id uuid,
  p_attempt integer,
  out job public.video_jobs,
  out queued private.job_queue,
  out current boolean
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform private.lock_user_shared(user_id) from public.video_jobs where video_jobs.job_id = p_job_id;
  select video_jobs.* into job from public.video_jobs where video_jobs.job_id = p_job_id for update;
  select job_queue.* into queued from private.job_queue where job_queue.job_id = p_job_id for update;
  current := coalesce(job.completed_at is null and queued.attempt = p_attempt, false);
end;
$$;

revoke execute on function private.lock_job(uuid, integer) from public, anon, authenticated;
grant execute on function private.lock_job(uuid, integer) to service_role;

-- Opens the next attempt after the provider refused a submission, for the worker that still has the job; null when the
-- attempt is not the current one, was accepted in the meantime, or was the last.
create function public.open_attempt(
  p_job_id uuid,
  p_attempt integer,
  p_lease_seconds integer default 60
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_queued private.job_queue;
begin
  select * into v_queued from private.job_queue where job_id = p_job_id for update;
  return case when v_queued.attempt = p_attempt and v_queued.provider_job_id is null
    and v_queued.next_check_at is not null and v_queued.step < jsonb_array_length(v_queued.steps)
    and v_queued.attempts_of_step < (select attempts_per_step from public.app_settings)
    then private.take_lease(v_queued, p_lease_seconds) end;
end;
$$;

revoke execute on function public.open_attempt(uuid, integer, integer) from public, anon, authenticated;
grant execute on function public.open_attempt(uuid, integer, integer) to service_role;

-- Records that the provider accepted the current attempt.
create function public.record_submission(
  p_job_id uuid,
  p_attempt integer,
  p_provider_job_id text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
-- Most calls are on a connection that has seen few of them, and the plan for any arguments is the plan for these.
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
  v_step jsonb := (v_locked.queued).steps -> (v_locked.queued).step;
  v_expected_at timestamptz := v_now + make_interval(secs => (v_step ->> 'typical_seconds')::integer);
begin
  if not v_locked.current or (v_locked.queued).submitted_at is null or (v_locked.queued).provider_job_id is not null then
    -- A repeated report of the same run is no error: its webhook may be faster than the answer to its submission, and the
    -- video may be made by now.
    return jsonb_build_object('job', private.job_json(v_job),
      'applied', coalesce((v_locked.queued).provider_job_id = p_provider_job_id, false)
        or exists (
          select from jsonb_each((v_locked.queued).artifacts) where value ->> 'run' = p_provider_job_id));
  end if;
  perform private.close_circuit(v_step ->> 'provider');
  update private.job_queue set
    provider_job_id = p_provider_job_id, failures = 0, lease_until = null,
    next_check_at = least(step_deadline_at,
      v_now + make_interval(secs => private.pause_seconds(v_job.created_at, v_expected_at)))
  where job_id = p_job_id;
  update public.video_jobs set
    status = 'processing', stage = 'queued', expected_at = v_expected_at, attempts = (v_locked.queued).attempt,
    -- An optional step does not make the video itself.
    provider = case when (v_step ->> 'optional')::boolean then provider
      else private.provider_json(v_step, p_provider_job_id) end,
    updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and completed_at is null
  returning * into v_job;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.record_submission(uuid, integer, text) from public, anon, authenticated;
grant execute on function public.record_submission(uuid, integer, text) to service_role;

-- Ends the current attempt; the step is submitted again after the delay.
create function public.schedule_retry(
  p_job_id uuid,
  p_attempt integer,
  p_delay_seconds integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
begin
  if not v_locked.current or v_job.step >= v_job.steps then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  if p_delay_seconds is null then
    raise exception 'An unfinished job must be checked again: %', p_job_id using errcode = 'null_value_not_allowed';
  end if;
  update private.job_queue set
    provider_job_id = null, submitted_at = null, failures = 0, lease_until = null,
    next_check_at = least(step_deadline_at, v_now + make_interval(secs => p_delay_seconds))
  where job_id = p_job_id;
  update public.video_jobs set
    stage = 'submitting', queue_position = null, expected_at = null, updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and completed_at is null
  returning * into v_job;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.schedule_retry(uuid, integer, integer) from public, anon, authenticated;
grant execute on function public.schedule_retry(uuid, integer, integer) to service_role;

-- Postpones the next check of a job after a check or a copy failed for a transient reason. Also for a finished job
-- whose copy is missing: without a delay the copy is given up.
create function public.postpone(
  p_job_id uuid,
  p_attempt integer,
  p_delay_seconds integer default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_job public.video_jobs := v_locked.job;
  v_applies boolean := v_locked.current or (v_job.status = 'completed' and v_job.video_path is null);
begin
  if v_applies then
    if p_delay_seconds is null and v_job.completed_at is null then
      raise exception 'An unfinished job must be checked again: %', p_job_id using errcode = 'null_value_not_allowed';
    end if;
    update private.job_queue set
      failures = failures + 1, lease_until = null,
      -- An unfinished job is checked by its deadline, because a worker must end it then.
      next_check_at = case when v_job.completed_at is null
        then least(step_deadline_at, private.clock() + make_interval(secs => p_delay_seconds))
        else private.clock() + make_interval(secs => p_delay_seconds) end
    where job_id = p_job_id;
  end if;
  return jsonb_build_object('applied', coalesce(v_applies, false), 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.postpone(uuid, integer, integer) from public, anon, authenticated;
grant execute on function public.postpone(uuid, integer, integer) to service_role;
