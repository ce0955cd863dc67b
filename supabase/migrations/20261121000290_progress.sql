-- The progress of a job.

-- How long the current run has been running at this time, in seconds, from what the checks saw.
create function private.running_seconds(
  p_queued private.job_queue,
  p_now timestamptz
)
returns numeric
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return greatest(0, extract(epoch from p_now - greatest(p_queued.submitted_at, p_queued.queued_until)));
end;
$$;

revoke execute on function private.running_seconds(private.job_queue, timestamptz) from public, anon, authenticated;
grant execute on function private.running_seconds(private.job_queue, timestamptz) to service_role;

-- The progress of a job in percent, from that of its current step: steps count by their typical times, and the last
-- twentieth is for storing the files.
create function private.percent_of(
  p_queued private.job_queue,
  p_percent_of_step numeric
)
returns numeric
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return (
    select 0.95 * sum((step ->> 'typical_seconds')::numeric * case
        when place <= p_queued.step then 100
        when place = p_queued.step + 1 then p_percent_of_step
        else 0 end) / sum((step ->> 'typical_seconds')::numeric)
    from jsonb_array_elements(p_queued.steps) with ordinality as steps (step, place));
end;
$$;

revoke execute on function private.percent_of(private.job_queue, numeric) from public, anon, authenticated;
grant execute on function private.percent_of(private.job_queue, numeric) to service_role;

-- Records the provider's report of a run that goes on, and ends the lease. The percentage never falls; if the provider
-- reports none, it is estimated. What the owner sees is written only if it has changed.
create function private.note_progress(
  p_job_id uuid,
  p_attempt integer,
  p_stage text,
  p_percent integer,
  p_queue_position integer,
  out applied boolean,
  out job public.video_jobs
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_now timestamptz := private.clock();
  v_before public.video_jobs := v_locked.job;
  v_queued private.job_queue := v_locked.queued;
  v_typical numeric := v_queued.steps -> v_queued.step ->> 'typical_seconds';
  v_expected_at timestamptz := v_before.expected_at;
  v_of_step numeric;
  v_percent integer;
begin
  job := v_before;
  applied := v_locked.current and v_queued.provider_job_id is not null;
  if not applied then
    return;
  end if;
  v_of_step := coalesce(p_percent, case when p_stage = 'queued' then 0 else private.estimated_percent(
    private.running_seconds(v_queued, v_now), v_typical) end);
  v_percent := least(100, greatest(v_before.progress_percent, private.percent_of(v_queued, v_of_step)::integer));
  -- The wait of a run does not count as its time.
  if p_stage <> v_before.stage then
    v_expected_at := v_now + make_interval(secs => greatest(0, v_typical - case
      when p_stage = 'queued' then 0 else private.running_seconds(v_queued, v_now) end));
  end if;

  update private.job_queue set
    failures = 0, lease_until = null, queued_until = case when p_stage = 'queued' then v_now else queued_until end,
    next_check_at = case when p_stage = v_before.stage then next_check_at
      else least(next_check_at, v_now + make_interval(secs => private.pause_seconds(v_before.created_at, v_expected_at))) end
  where job_id = p_job_id;
  update public.video_jobs set
    stage = p_stage, expected_at = v_expected_at, progress_percent = v_percent, queue_position = p_queue_position,
    updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and completed_at is null
    and (stage, progress_percent, queue_position) is distinct from (p_stage, v_percent, p_queue_position)
  returning * into job;
  if not found then
    job := v_before;
  end if;
end;
$$;

revoke execute on function private.note_progress(uuid, integer, text, integer, integer)
  from public, anon, authenticated;
grant execute on function private.note_progress(uuid, integer, text, integer, integer) to service_role;

-- Records the report of one run that goes on: { applied, job }.
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
  v_noted record := private.note_progress(p_job_id, p_attempt, p_stage, p_percent, p_queue_position);
begin
  return jsonb_build_object('applied', v_noted.applied, 'job', private.job_json(v_noted.job));
end;
$$;

revoke execute on function public.record_progress(uuid, integer, text, integer, integer)
  from public, anon, authenticated;
grant execute on function public.record_progress(uuid, integer, text, integer, integer) to service_role;

-- As record_progress, for several jobs, p_looks: [{ job_id, attempt, stage, percent, queue_position }]. Returns the
-- status of each as { job_id, status }, and nothing for a job that is gone. If one is locked for long, as while its owner's
-- account is deleted, all are refused, and the caller records each alone.
create function public.record_looks(
  p_looks jsonb
)
returns setof jsonb
language plpgsql
volatile
security invoker
set search_path = ''
-- Until it has all jobs, it keeps those that it has from their owners.
set lock_timeout = '500ms'
as $$
declare
  v_look record;
  v_noted record;
begin
  for v_look in
    select * from jsonb_to_recordset(p_looks)
      as look (job_id uuid, attempt integer, stage text, percent integer, queue_position integer)
    -- All who lock several jobs do it in this order, so that none waits for another in a circle.
    order by job_id
  loop
    v_noted := private.note_progress(
      v_look.job_id, v_look.attempt, v_look.stage, v_look.percent, v_look.queue_position);
    if (v_noted.job).job_id is not null then
      return next jsonb_build_object('job_id', v_look.job_id, 'status', (v_noted.job).status);
    end if;
  end loop;
end;
$$;

revoke execute on function public.record_looks(jsonb) from public, anon, authenticated;
grant execute on function public.record_looks(jsonb) to service_role;
