-- How a job goes from one step to the next.

-- Moves a locked job to its next step that is needed, and leases it to the caller, who continues with it at once: {
-- applied, job, leased_job }. After the last step the video is ready to be stored; with p_leaves_copy that is due for
-- whoever comes first, and nobody has it now.
create function private.enter_next_step(
  p_job public.video_jobs,
  p_queued private.job_queue,
  p_lease_seconds integer,
  p_leaves_copy boolean
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
  v_left boolean;
  v_job public.video_jobs;
  v_queued private.job_queue;
begin
  -- Skipped if all its extras are.
  while v_step -> 'extras' <> '[]' and v_step -> 'extras' <@ to_jsonb(p_job.skipped_extras) loop
    v_next := v_next + 1;
    v_step := p_queued.steps -> v_next;
  end loop;
  v_left := v_step is null and p_leaves_copy;

  update private.job_queue set
    step = v_next, artifacts = p_queued.artifacts, provider_job_id = null, submitted_at = null, attempts_of_step = 0,
    failures = 0, generating_seconds = p_queued.generating_seconds, made_at = case when v_step is null then v_now end,
    lease_until = case when not v_left then lease_until end,
    next_check_at = case when v_left then v_now else next_check_at end,
    step_deadline_at = private.step_deadline(v_step, deadline_at)
  where job_id = p_job.job_id
  returning * into v_queued;
  update public.video_jobs set
    step = v_next, skipped_extras = p_job.skipped_extras,
    stage = case when v_step is null then 'storing' else 'submitting' end,
    queue_position = null, updated_at = greatest(updated_at, v_now),
    expected_at = case when v_step is null then v_now end,
    progress_percent = greatest(progress_percent, private.percent_of(v_queued, 0))
  -- Still pending if no provider has accepted a step yet: the first step may have been skipped.
  where job_id = p_job.job_id and completed_at is null
  returning * into v_job;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job),
    'leased_job', case when not v_left then private.take_lease(v_queued, p_lease_seconds) end);
end;
$$;

revoke execute on function private.enter_next_step(public.video_jobs, private.job_queue, integer, boolean)
  from public, anon, authenticated;
grant execute on function private.enter_next_step(public.video_jobs, private.job_queue, integer, boolean) to service_role;

-- Ends the current step with what it made, and begins the next: { applied, job, leased_job }.
create function public.advance_step(
  p_job_id uuid,
  p_attempt integer,
  p_media jsonb,
  p_lease_seconds integer default 60,
  p_leaves_copy boolean default false
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
  v_seconds numeric := private.running_seconds(v_queued, private.clock());
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
  v_queued.generating_seconds := v_queued.generating_seconds + v_seconds;
  perform private.learn_run_time(v_step, v_seconds);
  return private.enter_next_step(v_locked.job, v_queued, p_lease_seconds, p_leaves_copy);
end;
$$;

revoke execute on function public.advance_step(uuid, integer, jsonb, integer, boolean) from public, anon, authenticated;
grant execute on function public.advance_step(uuid, integer, jsonb, integer, boolean) to service_role;

-- Ends the current step without a result, if it is optional, and begins the next: { applied, job, leased_job }.
create function public.skip_step(
  p_job_id uuid,
  p_attempt integer,
  p_lease_seconds integer default 60,
  p_leaves_copy boolean default false
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
    select unnest(v_job.skipped_extras) union select jsonb_array_elements_text(v_step -> 'extras') order by 1);
  return private.enter_next_step(v_job, v_queued, p_lease_seconds, p_leaves_copy);
end;
$$;

revoke execute on function public.skip_step(uuid, integer, integer, boolean) from public, anon, authenticated;
grant execute on function public.skip_step(uuid, integer, integer, boolean) to service_role;
