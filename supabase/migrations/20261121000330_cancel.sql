-- Cancelling by the owner. A user never gets both a video and its credits. A run that had started is billed to us, so
-- its refunds are limited per day.

-- Whether a run that makes the video is still to be done, from this step on.
create function private.is_making_video(
  p_steps jsonb,
  p_step integer
)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return exists (
    select from jsonb_array_elements(p_steps) with ordinality as steps (step, place)
    where place > p_step and (step ->> 'makes_video')::boolean);
end;
$$;

revoke execute on function private.is_making_video(jsonb, integer) from public, anon, authenticated;
grant execute on function private.is_making_video(jsonb, integer) to service_role;

-- How far an unfinished job is, as far as the database knows: `not_started` (no run is billed), `started`,
-- `may_be_made` (started, and perhaps over), `made`, or `unknown`. `p_run_states` is what the caller has just seen at
-- the providers: { run id: state }.
create function private.cancellation_state(
  p_job public.video_jobs,
  p_queued private.job_queue,
  p_run_states jsonb
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_run_state text := p_run_states ->> p_queued.provider_job_id;
  v_has_run boolean := p_queued.artifacts <> '{}';
begin
  return case
    when not private.is_making_video(p_queued.steps, p_queued.step) then 'made'
    when p_queued.provider_job_id is null and p_queued.submitted_at is null and not v_has_run then 'not_started'
    -- An unconfirmed submission may be running.
    when p_queued.provider_job_id is null then 'started'
    when v_run_state = 'succeeded' and not private.is_making_video(p_queued.steps, p_queued.step + 1) then 'made'
    when v_run_state = 'queued' and not v_has_run then 'not_started'
    when v_run_state is not null then 'started'
    when p_job.stage = 'generating' or v_has_run then 'may_be_made'
    else 'unknown' end;
end;
$$;

revoke execute on function private.cancellation_state(public.video_jobs, private.job_queue, jsonb)
  from public, anon, authenticated;
grant execute on function private.cancellation_state(public.video_jobs, private.job_queue, jsonb) to service_role;

-- Returns why the owner of a locked job that has started may not end it today; null when the owner may.
create function private.cancel_problem(
  p_job public.video_jobs
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_limit integer;
  v_recent record;
begin
  perform from public.credit_balances where user_id = p_job.user_id for update;
  v_limit := (select cancels_after_start_per_day from public.app_settings);
  v_recent := private.recent_entries(p_job.user_id, 'cancels');
  if v_recent.used < v_limit then
    return null;
  end if;
  -- The state of the run is kept: further requests beyond the limit cause no calls to the provider.
  update public.video_jobs set stage = 'generating', queue_position = null, updated_at = greatest(updated_at, private.clock())
  where job_id = p_job.job_id and stage = 'queued';
  return private.limit_reached('cancel_limit_reached', v_limit, v_recent.free_at);
end;
$$;

revoke execute on function private.cancel_problem(public.video_jobs) from public, anon, authenticated;
grant execute on function private.cancel_problem(public.video_jobs) to service_role;

-- Ends a locked unfinished job for its owner, refunds it in full, and counts it if it had started.
create function private.cancel_and_refund(
  p_job public.video_jobs,
  p_queued private.job_queue,
  p_has_started boolean,
  p_message text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return public.fail_job(p_job.job_id, p_queued.attempt, 'cancelled', p_message, p_told => true, p_refund_reason =>
    case when p_has_started then 'cancelled_after_start_refund' else 'generation_failed_refund' end);
end;
$$;

revoke execute on function private.cancel_and_refund(public.video_jobs, private.job_queue, boolean, text)
  from public, anon, authenticated;
grant execute on function private.cancel_and_refund(public.video_jobs, private.job_queue, boolean, text) to service_role;

-- Cancels a user's unfinished job and refunds it in full, or returns why not: { outcome, … }.
-- cancelled: { job, leased_job }, with what the caller needs to stop the run.
-- check_run: { leased_job }; the caller checks the run and calls again with its state.
-- not_cancellable: { job, leased_job }: the job is finished or its video is made; `leased_job` is the caller's to
-- advance, if the caller has just seen that.
-- cancel_limit_reached: { limit, retry_after }; the job goes on.
-- Null for a job that does not exist or is not the user's.
create function public.cancel_job(
  p_user_id uuid,
  p_job_id uuid,
  p_run_states jsonb default '{}',
  p_lease_seconds integer default 60
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, null);
  v_job public.video_jobs := v_locked.job;
  v_queued private.job_queue := v_locked.queued;
  v_state text := private.cancellation_state(v_job, v_queued, p_run_states);
  v_answer jsonb;
begin
  if v_job.user_id is distinct from p_user_id then
    perform private.require_account(p_user_id);
    return null;
  elsif v_job.completed_at is not null then
    return jsonb_build_object('outcome', 'not_cancellable', 'job', private.job_json(v_job));
  elsif v_state = 'made' then
    -- Only a state that was just seen makes the job due: repeated requests must not shorten the pauses between checks,
    -- attempts or copies, nor use up the attempts.
    if p_run_states ->> v_queued.provider_job_id = 'succeeded' then
      update private.job_queue set next_check_at = least(next_check_at, private.clock()) where job_id = p_job_id;
    end if;
    return jsonb_build_object('outcome', 'not_cancellable', 'job', private.job_json(v_job),
      'leased_job', public.lease_job(p_job_id, p_lease_seconds));
  end if;

  if v_state in ('started', 'may_be_made') then
    v_answer := private.cancel_problem(v_job);
    if v_answer is not null then
      return v_answer;
    end if;
  end if;
  if v_state in ('unknown', 'may_be_made') then
    return jsonb_build_object('outcome', 'check_run', 'leased_job', private.leased_job_json(v_job, v_queued, false));
  end if;
  v_answer := private.cancel_and_refund(v_job, v_queued, v_state = 'started', 'The video was cancelled');
  return jsonb_build_object('outcome', 'cancelled', 'job', v_answer -> 'job',
    'leased_job', private.leased_job_json(v_job, v_queued, false));
end;
$$;

revoke execute on function public.cancel_job(uuid, uuid, jsonb, integer) from public, anon, authenticated;
grant execute on function public.cancel_job(uuid, uuid, jsonb, integer) to service_role;
