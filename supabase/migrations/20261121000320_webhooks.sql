-- What a verified webhook does: it wakes the job that it names. The state of the run is then read from the provider.

-- Wakes the job of the run that a webhook names, and leases it to the caller: { outcome, leased_job }.
-- thumbnail: it is the run of the thumbnail of a delivered video; `leased_job` is that thumbnail.
-- woken: it is the current run, or that of an unconfirmed submission, which is confirmed now; `leased_job` is null if
-- another worker has the job, which is due when that worker is done.
-- late_run: another run of the same step. finished: the job or the run's step is over; `same_run`: whether this run
-- ended it.
-- Null: there is no such job.
create function public.wake_job(
  p_job_id uuid,
  p_attempt integer,
  p_provider_job_id text,
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
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
  v_queued private.job_queue := v_locked.queued;
begin
  if v_job.job_id is null then
    return null;
  elsif v_job.completed_at is not null or p_attempt <= v_queued.attempt - v_queued.attempts_of_step then
    return coalesce(
      private.wake_thumbnail(p_job_id, p_attempt, p_provider_job_id, p_lease_seconds),
      jsonb_build_object('outcome', 'finished', 'same_run',
        -- A late thumbnail costs next to nothing: nobody must hear of it.
        p_attempt > v_queued.attempt or coalesce(v_queued.provider_job_id = p_provider_job_id, false)
        or exists (select from jsonb_each(v_queued.artifacts) where value ->> 'run' = p_provider_job_id)));
  elsif v_locked.current and v_queued.submitted_at is not null and v_queued.provider_job_id is null then
    perform public.record_submission(p_job_id, p_attempt, p_provider_job_id);
  elsif not v_locked.current or v_queued.provider_job_id is distinct from p_provider_job_id then
    return jsonb_build_object('outcome', 'late_run', 'leased_job', private.leased_job_json(v_job, v_queued, false));
  end if;
  update private.job_queue set next_check_at = least(next_check_at, v_now) where job_id = p_job_id;
  return jsonb_build_object('outcome', 'woken', 'leased_job', public.lease_job(p_job_id, p_lease_seconds));
end;
$$;

revoke execute on function public.wake_job(uuid, integer, text, integer) from public, anon, authenticated;
grant execute on function public.wake_job(uuid, integer, text, integer) to service_role;

-- As wake_job, for a webhook whose address names no job: { job_id, attempt, outcome, leased_job }. Only the current run of
-- a job, or its last, is found. Null: no job has such a run.
create function public.wake_run(
  p_provider text,
  p_provider_job_id text,
  p_lease_seconds integer default 60
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_job_id uuid;
  v_attempt integer;
begin
  select job_id, attempt into v_job_id, v_attempt from private.job_queue
  where provider_job_id = p_provider_job_id
    and exists (select from jsonb_array_elements(steps) as one where one ->> 'provider' = p_provider)
  limit 1;
  return jsonb_build_object('job_id', v_job_id, 'attempt', v_attempt)
    || public.wake_job(v_job_id, v_attempt, p_provider_job_id, p_lease_seconds);
end;
$$;

revoke execute on function public.wake_run(text, text, integer) from public, anon, authenticated;
grant execute on function public.wake_run(text, text, integer) to service_role;

-- Makes a late run, which the caller has seen succeed, the current run of the job: the attempt that finishes first
-- delivers. The run gets a new attempt number, so that reports of the run before it are too late: { leased_job,
-- abandoned_provider_job_id }. Null when the job no longer waits for a run.
create function public.adopt_run(
  p_job_id uuid,
  p_attempt integer,
  p_provider_job_id text,
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
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
  v_abandoned text := (v_locked.queued).provider_job_id;
  v_queued private.job_queue;
begin
  if not v_locked.current or v_job.step >= v_job.steps then
    return null;
  end if;
  update private.job_queue set
    attempt = attempt + 1, attempts_of_step = attempts_of_step + 1, provider_job_id = p_provider_job_id,
    submitted_at = v_now, failures = 0, next_check_at = v_now,
    lease_until = v_now + make_interval(secs => p_lease_seconds)
  where job_id = p_job_id
  returning * into v_queued;
  update public.video_jobs set
    status = 'processing', stage = 'generating', expected_at = v_now, updated_at = greatest(updated_at, v_now),
    provider = case when (v_queued.steps -> v_queued.step ->> 'optional')::boolean then provider
      else private.provider_json(v_queued.steps -> v_queued.step, p_provider_job_id) end
  where job_id = p_job_id and completed_at is null
  returning * into v_job;
  return jsonb_build_object(
    'leased_job', private.leased_job_json(v_job, v_queued, false), 'abandoned_provider_job_id', v_abandoned);
end;
$$;

revoke execute on function public.adopt_run(uuid, integer, text, integer) from public, anon, authenticated;
grant execute on function public.adopt_run(uuid, integer, text, integer) to service_role;
