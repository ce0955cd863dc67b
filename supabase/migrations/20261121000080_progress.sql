-- How a running job moves. Each procedure locks the job, checks that it is still in the state and at the attempt that
-- the caller believes in, and answers { applied, job }: a late caller changes nothing and sees the job as it is.

-- Locks a job and its work, in this order, for a report about one attempt; `current` tells whether the report is one
-- about the running state of an unfinished job. The time of a change is read after this: see list_videos.
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
  v_step jsonb := (v_locked.queued).steps -> (v_locked.queued).step;
begin
  if not v_locked.current or (v_locked.queued).submitted_at is null or (v_locked.queued).provider_job_id is not null then
    -- The same run again is no error: its webhook may be faster than the answer to its submission.
    return jsonb_build_object('job', private.job_json(v_job),
      'applied', v_locked.current and coalesce((v_locked.queued).provider_job_id = p_provider_job_id, false));
  end if;
  perform private.close_circuit(v_step ->> 'provider');
  update private.job_queue set
    provider_job_id = p_provider_job_id, failures = 0, lease_until = null,
    next_check_at = least(step_deadline_at,
      v_now + make_interval(secs => private.check_interval_seconds(v_job.created_at)))
  where job_id = p_job_id;
  update public.video_jobs set
    status = 'processing', stage = 'queued', attempts = (v_locked.queued).attempt,
    -- What the video can do without did not make it.
    provider = case when (v_step ->> 'optional')::boolean then provider
      else private.provider_json(v_step, p_provider_job_id) end,
    updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and status in ('pending', 'processing')
  returning * into v_job;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.record_submission(uuid, integer, text) from public, anon, authenticated;
grant execute on function public.record_submission(uuid, integer, text) to service_role;

-- How long the current run has been running, in seconds, by what was seen of it.
create function private.running_seconds(
  p_queued private.job_queue
)
returns numeric
language sql
volatile
security invoker
set search_path = ''
as $$
  select greatest(0, extract(epoch from private.clock() - greatest(p_queued.submitted_at, p_queued.queued_until)));
$$;

revoke execute on function private.running_seconds(private.job_queue) from public, anon, authenticated;
grant execute on function private.running_seconds(private.job_queue) to service_role;

-- How far a job is, in percent, when so much of its current step is done: its steps count by their typical times, and the
-- last twentieth is for storing what they made.
create function private.percent_of(
  p_queued private.job_queue,
  p_percent_of_step numeric
)
returns numeric
language sql
immutable
security invoker
set search_path = ''
as $$
  select 0.95 * sum((step ->> 'typical_seconds')::numeric * case
      when place <= p_queued.step then 100
      when place = p_queued.step + 1 then p_percent_of_step
      else 0 end) / sum((step ->> 'typical_seconds')::numeric)
  from jsonb_array_elements(p_queued.steps) with ordinality as steps (step, place);
$$;

revoke execute on function private.percent_of(private.job_queue, numeric) from public, anon, authenticated;
grant execute on function private.percent_of(private.job_queue, numeric) to service_role;

-- Notes what the provider said of a run that goes on. Percent never falls; what nobody told is estimated.
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
  v_queued private.job_queue := v_locked.queued;
  v_of_step numeric;
  v_percent integer;
begin
  if not v_locked.current or (v_locked.queued).provider_job_id is null then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  v_of_step := coalesce(p_percent, case when p_stage = 'queued' then 0 else private.estimated_percent(
    private.running_seconds(v_queued), (v_queued.steps -> v_queued.step ->> 'typical_seconds')::numeric) end);
  v_percent := least(100, greatest(v_job.progress_percent, private.percent_of(v_queued, v_of_step)::integer));

  update private.job_queue set
    failures = 0, lease_until = null, queued_until = case when p_stage = 'queued' then v_now else queued_until end
  where job_id = p_job_id;
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

-- Leads a locked job to its next step, past those that nobody needs any more, and leases it to the caller, who goes on
-- with it at once: what to do as `work`. After the last step the video is ready to be stored.
create function private.enter_next_step(
  p_job public.video_jobs,
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
  v_next integer := p_queued.step + 1;
  v_step jsonb := p_queued.steps -> v_next;
  v_job public.video_jobs;
  v_queued private.job_queue;
begin
  -- Its parts are left out, all of them; or what it makes is there: some models give a thumbnail of their own.
  while p_queued.artifacts ? (v_step ->> 'name')
    or (v_step -> 'parts' <> '[]' and v_step -> 'parts' <@ to_jsonb(p_job.skipped_extras)) loop
    v_next := v_next + 1;
    v_step := p_queued.steps -> v_next;
  end loop;

  update private.job_queue set
    step = v_next, artifacts = p_queued.artifacts, provider_job_id = null, submitted_at = null, attempts_of_step = 0,
    failures = 0,
    step_deadline_at = private.step_deadline(v_step, deadline_at)
  where job_id = p_job.job_id
  returning * into v_queued;
  update public.video_jobs set
    step = v_next, skipped_extras = p_job.skipped_extras,
    stage = case when v_step is null then 'storing' else 'submitting' end,
    queue_position = null, updated_at = greatest(updated_at, v_now),
    progress_percent = greatest(progress_percent, private.percent_of(v_queued, 0))
  -- Pending as long as nothing was accepted: its first step may be one that it is left without.
  where job_id = p_job.job_id and status in ('pending', 'processing')
  returning * into v_job;
  return jsonb_build_object(
    'applied', true, 'job', private.job_json(v_job), 'leased_job', private.take_lease(v_queued, p_lease_seconds));
end;
$$;

revoke execute on function private.enter_next_step(public.video_jobs, private.job_queue, integer)
  from public, anon, authenticated;
grant execute on function private.enter_next_step(public.video_jobs, private.job_queue, integer) to service_role;

-- Ends the current step with what it made, and begins the next: { applied, job, work }.
create function public.advance_step(
  p_job_id uuid,
  p_attempt integer,
  p_media jsonb,
  p_lease_seconds integer default 60
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_queued private.job_queue := v_locked.queued;
  v_step jsonb := v_queued.steps -> v_queued.step;
begin
  if not v_locked.current or v_queued.provider_job_id is null then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_locked.job));
  end if;
  select v_queued.artifacts || coalesce(jsonb_object_agg(made.name, jsonb_build_object(
    'url', made.url, 'provider', v_step -> 'provider', 'run', v_queued.provider_job_id)), '{}') into v_queued.artifacts
  from (values
    ('video', p_media -> 'video_url'), ('thumbnail', p_media -> 'thumbnail_url'),
    (v_step ->> 'name', p_media -> (v_step ->> 'produces'))
  ) as made (name, url)
  where made.url is not null;
  perform private.learn_run_time(v_step, private.running_seconds(v_queued));
  return private.enter_next_step(v_locked.job, v_queued, p_lease_seconds);
end;
$$;

revoke execute on function public.advance_step(uuid, integer, jsonb, integer) from public, anon, authenticated;
grant execute on function public.advance_step(uuid, integer, jsonb, integer) to service_role;

-- Ends the current step, one that the video may be delivered without, with nothing, and begins the next:
-- { applied, job, work }.
create function public.skip_step(
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
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_job public.video_jobs := v_locked.job;
  v_queued private.job_queue := v_locked.queued;
  v_step jsonb := v_queued.steps -> v_queued.step;
begin
  if not v_locked.current or not coalesce((v_step ->> 'optional')::boolean, false) then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  v_job.skipped_extras := array(
    select unnest(v_job.skipped_extras) union select jsonb_array_elements_text(v_step -> 'parts') order by 1);
  return private.enter_next_step(v_job, v_queued, p_lease_seconds);
end;
$$;

revoke execute on function public.skip_step(uuid, integer, integer) from public, anon, authenticated;
grant execute on function public.skip_step(uuid, integer, integer) to service_role;

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
  update private.job_queue set
    provider_job_id = null, submitted_at = null, failures = 0, lease_until = null,
    next_check_at = least(step_deadline_at, v_now + make_interval(secs => p_delay_seconds))
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
    update private.job_queue set
      failures = failures + 1, lease_until = null,
      -- An unfinished job is looked at by its deadline: somebody must end it then.
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
