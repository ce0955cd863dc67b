-- How a running job moves. Each procedure locks the job, checks that it is still in the state and at the attempt that
-- the caller believes in, and answers { applied, job }: a late caller changes nothing and sees the job as it is.

-- Locks a job and its work, in this order, for a report about one attempt; `current` tells whether the report is one
-- about the running state of an unfinished job. The time of a change is read after this: see list_videos.
create function private.lock_job(
  p_job_id uuid,
  p_attempt integer,
  out job public.video_jobs,
  out work private.job_work,
  out current boolean
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform private.begin_change(user_id) from public.video_jobs where video_jobs.job_id = p_job_id;
  select video_jobs.* into job from public.video_jobs where video_jobs.job_id = p_job_id for update;
  select job_work.* into work from private.job_work where job_work.job_id = p_job_id for update;
  current := coalesce(job.completed_at is null and work.attempt = p_attempt, false);
end;
$$;

revoke execute on function private.lock_job(uuid, integer) from public, anon, authenticated;
grant execute on function private.lock_job(uuid, integer) to service_role;

-- Notes that the provider took the current attempt.
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
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
begin
  -- The same id twice is the same news twice: a webhook may have told it first.
  if not v_locked.current or (v_locked.work).submitted_at is null
    or coalesce((v_locked.work).provider_job_id <> p_provider_job_id, false) then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  perform private.close_circuit((v_locked.work).steps -> (v_locked.work).step ->> 'provider');
  update private.job_work set
    provider_job_id = p_provider_job_id, failures = 0, lease_until = null,
    next_check_at = least(deadline_at,
      v_now + make_interval(secs => private.check_interval_seconds(v_job.created_at)))
  where job_id = p_job_id;
  update public.video_jobs set
    status = 'processing', stage = 'queued', updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and status in ('pending', 'processing')
  returning * into v_job;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.record_submission(uuid, integer, text) from public, anon, authenticated;
grant execute on function public.record_submission(uuid, integer, text) to service_role;

-- Notes what the provider said of a run that goes on. Percent never falls; what nobody told is estimated from the
-- model's typical time and stays below 90, since a bar that waits at 99 is a lie.
create function public.record_progress(
  p_job_id uuid,
  p_attempt integer,
  p_stage text,
  p_percent integer default null,
  p_queue_position integer default null
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
  v_of_step numeric;
  v_percent integer;
begin
  if not v_locked.current or (v_locked.work).provider_job_id is null then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  v_of_step := coalesce(p_percent, case when p_stage = 'queued' then 0 else 90 * (1 - exp(
    -extract(epoch from v_now - (v_locked.work).submitted_at)
    / (select typical_seconds from public.models where id = v_job.model_id))) end);
  v_percent := least(100, greatest(
    v_job.progress_percent, ((v_job.step * 100 + v_of_step) / v_job.steps)::integer));

  update private.job_work set failures = 0, lease_until = null where job_id = p_job_id;
  update public.video_jobs set
    stage = p_stage, progress_percent = v_percent, queue_position = p_queue_position,
    updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and status = 'processing'
    and (stage, progress_percent, queue_position) is distinct from (p_stage, v_percent, p_queue_position)
  returning * into v_job;
  if not found then
    v_job := v_locked.job;
  end if;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.record_progress(uuid, integer, text, integer, integer)
  from public, anon, authenticated;
grant execute on function public.record_progress(uuid, integer, text, integer, integer) to service_role;

-- Ends the current step with what it produced. After the last one the video is ready to be stored, by the caller, who
-- keeps the job for as long as a copy may take: { applied, job, work }.
create function public.advance_step(
  p_job_id uuid,
  p_attempt integer,
  p_media jsonb
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
  v_work private.job_work := v_locked.work;
  v_last boolean := v_job.step + 1 >= v_job.steps;
begin
  if not v_locked.current or v_work.provider_job_id is null then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  update private.job_work set
    step = step + 1, artifacts = artifacts || p_media, provider_job_id = null, submitted_at = null,
    attempts_of_step = 0, failures = 0, next_check_at = v_now,
    lease_until = case when v_last
      then v_now + make_interval(secs => (select copy_lease_seconds from public.app_settings)) end
  where job_id = p_job_id
  returning * into v_work;
  update public.video_jobs set
    step = step + 1, stage = case when v_last then 'storing' else 'submitting' end, queue_position = null,
    progress_percent = greatest(progress_percent, 95 * (step + 1) / steps), updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and status = 'processing'
  returning * into v_job;
  return jsonb_build_object(
    'applied', true, 'job', private.job_json(v_job), 'work', private.work_json(v_job, v_work, false));
end;
$$;

revoke execute on function public.advance_step(uuid, integer, jsonb) from public, anon, authenticated;
grant execute on function public.advance_step(uuid, integer, jsonb) to service_role;

-- Gives the current attempt up: the step is submitted anew after the delay.
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
    raise exception 'An unfinished job must be looked at again: %', p_job_id using errcode = 'null_value_not_allowed';
  end if;
  update private.job_work set
    provider_job_id = null, submitted_at = null, failures = 0, lease_until = null,
    next_check_at = least(deadline_at, v_now + make_interval(secs => p_delay_seconds))
  where job_id = p_job_id;
  update public.video_jobs set
    stage = 'submitting', queue_position = null, updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and status in ('pending', 'processing')
  returning * into v_job;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.schedule_retry(uuid, integer, integer) from public, anon, authenticated;
grant execute on function public.schedule_retry(uuid, integer, integer) to service_role;

-- Lets the job be after a look or a copy that failed for a reason that may pass, until the delay is over. Also for a
-- finished job whose copy is still owed: no delay means that the copy is given up.
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
      raise exception 'An unfinished job must be looked at again: %', p_job_id using errcode = 'null_value_not_allowed';
    end if;
    update private.job_work set
      failures = failures + 1, lease_until = null,
      -- An unfinished job is looked at by its deadline: somebody must end it then.
      next_check_at = case when v_job.completed_at is null
        then least(deadline_at, private.clock() + make_interval(secs => p_delay_seconds))
        else private.clock() + make_interval(secs => p_delay_seconds) end
    where job_id = p_job_id;
  end if;
  return jsonb_build_object('applied', coalesce(v_applies, false), 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.postpone(uuid, integer, integer) from public, anon, authenticated;
grant execute on function public.postpone(uuid, integer, integer) to service_role;
