-- How the thumbnail of a delivered video is made. Only `record_thumbnail` changes the job, and there only its thumbnail.

-- Leases a locked or a new thumbnail to the caller, and returns what its worker needs to know, in the form of
-- leased_job_json. If its run is still to be submitted, its next attempt is opened.
create function private.lease_thumbnail(
  p_work private.thumbnail_work,
  p_job public.video_jobs,
  p_artifacts jsonb,
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
  v_action text := case
    when p_work.deadline_at <= v_now then 'expire'
    when p_artifacts ? 'thumbnail' then 'store'
    when p_work.provider_job_id is not null then 'check'
    when p_work.attempts_left > 0 then 'submit'
    else 'give_up' end;
begin
  if v_action = 'submit' then
    p_work.attempt := p_work.attempt + 1;
    p_work.attempts_left := p_work.attempts_left - 1;
  end if;
  -- A submission without an answer may still be confirmed by its webhook.
  p_work.next_check_at := v_now + make_interval(secs => case v_action
    when 'submit' then v_settings.unknown_submission_seconds else p_lease_seconds end);
  insert into private.thumbnail_work select p_work.*
  on conflict (job_id) do update set
    attempt = excluded.attempt, attempts_left = excluded.attempts_left, next_check_at = excluded.next_check_at;
  return jsonb_build_object(
    'job_id', p_job.job_id, 'user_id', p_job.user_id, 'status', p_job.status, 'action', v_action,
    'step', p_work.step, 'artifacts', p_artifacts, 'attempt', p_work.attempt,
    'provider_job_id', p_work.provider_job_id, 'failures', 0,
    'attempts_of_step', greatest(0, v_settings.attempts_per_step - p_work.attempts_left),
    'attempts_left', p_work.attempts_left,
    'start_within_seconds', greatest(1, extract(epoch from p_work.deadline_at - v_now))::integer,
    'past_deadline', v_action = 'expire', 'age_ms', (extract(epoch from v_now - p_job.created_at) * 1000)::bigint,
    'settings', p_job.settings, 'files_are_public', p_job.files_are_public, 'copy_again', false);
end;
$$;

revoke execute on function private.lease_thumbnail(private.thumbnail_work, public.video_jobs, jsonb, integer)
  from public, anon, authenticated;
grant execute on function private.lease_thumbnail(private.thumbnail_work, public.video_jobs, jsonb, integer)
  to service_role;

-- Leases a locked thumbnail of which the caller knows no more.
create function private.take_thumbnail(
  p_work private.thumbnail_work,
  p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return private.lease_thumbnail(p_work,
    (select video_jobs from public.video_jobs where job_id = p_work.job_id),
    (select artifacts from private.job_queue where job_id = p_work.job_id), p_lease_seconds);
end;
$$;

revoke execute on function private.take_thumbnail(private.thumbnail_work, integer) from public, anon, authenticated;
grant execute on function private.take_thumbnail(private.thumbnail_work, integer) to service_role;

-- Begins the thumbnail of a job that is being delivered, and leases it to the caller. If a step has made it already, only
-- its copy is to be made. Null if there is no tool for it.
create function private.begin_thumbnail(
  p_job public.video_jobs,
  p_queued private.job_queue
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_work private.thumbnail_work;
begin
  select p_job.job_id, case when p_queued.artifacts ? 'thumbnail' then p_queued.steps -> -1 else ready.step end,
    -- Without a run of its own it has a number all the same: no webhook of the video may name it.
    p_queued.attempt + (p_queued.artifacts ? 'thumbnail')::integer,
    attempts_per_step, null, v_now, v_now + make_interval(secs => patience_seconds)
  into v_work
  from public.app_settings, public.pipeline_steps
  left join private.ready_thumbnail_steps as ready on ready.files_are_public = p_job.files_are_public
  where name = 'thumbnail';
  return case when v_work.step is not null then private.lease_thumbnail(v_work, p_job, p_queued.artifacts, 60) end;
end;
$$;

revoke execute on function private.begin_thumbnail(public.video_jobs, private.job_queue) from public, anon, authenticated;
grant execute on function private.begin_thumbnail(public.video_jobs, private.job_queue) to service_role;

-- Leases up to p_limit due thumbnails, the most overdue first.
create function public.lease_due_thumbnails(
  p_limit integer,
  p_lease_seconds integer default 60
)
returns setof jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_work private.thumbnail_work;
begin
  for v_work in
    select * from private.thumbnail_work where next_check_at <= v_now order by next_check_at limit p_limit
    for update skip locked
  loop
    return next private.take_thumbnail(v_work, p_lease_seconds);
  end loop;
end;
$$;

revoke execute on function public.lease_due_thumbnails(integer, integer) from public, anon, authenticated;
grant execute on function public.lease_due_thumbnails(integer, integer) to service_role;

-- Records that the provider accepted the current attempt. Returns false if nobody waits for this run: the caller cancels it.
create function public.record_thumbnail_run(
  p_job_id uuid,
  p_attempt integer,
  p_provider_job_id text
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_work private.thumbnail_work;
begin
  select * into v_work from private.thumbnail_work where job_id = p_job_id and attempt = p_attempt for update;
  if not found or v_work.provider_job_id <> p_provider_job_id then
    return false;
  -- Its webhook may be faster than the answer to its submission, and its check is then under way.
  elsif v_work.provider_job_id is null then
    update private.thumbnail_work set provider_job_id = p_provider_job_id, next_check_at = private.clock() + interval '3 seconds'
    where job_id = p_job_id;
    perform private.close_circuit(v_work.step ->> 'provider');
  end if;
  return true;
end;
$$;

revoke execute on function public.record_thumbnail_run(uuid, integer, text) from public, anon, authenticated;
grant execute on function public.record_thumbnail_run(uuid, integer, text) to service_role;

-- Has a thumbnail looked at again after a delay. With `p_run_is_over` its run has failed, and another attempt follows.
create function public.postpone_thumbnail(
  p_job_id uuid,
  p_attempt integer,
  p_delay_seconds integer,
  p_run_is_over boolean default false
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update private.thumbnail_work set
    provider_job_id = case when not p_run_is_over then provider_job_id end,
    next_check_at = private.clock() + make_interval(secs => p_delay_seconds)
  where job_id = p_job_id and attempt = p_attempt;
end;
$$;

revoke execute on function public.postpone_thumbnail(uuid, integer, integer, boolean) from public, anon, authenticated;
grant execute on function public.postpone_thumbnail(uuid, integer, integer, boolean) to service_role;

-- Gives a thumbnail up: the video stays without one. The job itself does not change.
create function public.give_up_thumbnail(
  p_job_id uuid,
  p_attempt integer,
  p_run_is_over boolean default false
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_run_is_over then
    perform public.postpone_thumbnail(p_job_id, p_attempt, 0, true);
  end if;
  delete from private.thumbnail_work where job_id = p_job_id and attempt = p_attempt;
end;
$$;

revoke execute on function public.give_up_thumbnail(uuid, integer, boolean) from public, anon, authenticated;
grant execute on function public.give_up_thumbnail(uuid, integer, boolean) to service_role;

-- Gives a delivered video its thumbnail: our copy, or the provider's own address where there is no copy: { applied, job }.
-- The job's status and money stay as they are.
create function public.record_thumbnail(
  p_job_id uuid,
  p_attempt integer,
  p_url text,
  p_path text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, null);
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
  v_work private.thumbnail_work;
begin
  select * into v_work from private.thumbnail_work where job_id = p_job_id and attempt = p_attempt for update;
  if not found then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  perform public.give_up_thumbnail(p_job_id, p_attempt, p_run_is_over => true);
  -- A copy of the video that is still owed takes the thumbnail along.
  update private.job_queue set artifacts = jsonb_build_object('thumbnail', jsonb_build_object(
    'url', p_url, 'provider', v_work.step -> 'provider', 'run', v_work.provider_job_id)) || artifacts
  where job_id = p_job_id;
  update public.video_jobs set
    thumbnail_path = coalesce(thumbnail_path, p_path),
    thumbnail_url = case when coalesce(thumbnail_path, p_path) is null then p_url end,
    updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and thumbnail_path is null
    -- Clients cannot open a private address.
    and (p_path is not null or (files_are_public and thumbnail_url is distinct from p_url))
  returning * into v_job;
  if not found then
    v_job := v_locked.job;
  end if;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.record_thumbnail(uuid, integer, text, text) from public, anon, authenticated;
grant execute on function public.record_thumbnail(uuid, integer, text, text) to service_role;

-- Leases the thumbnail whose current run a webhook names: { outcome, leased_job }. Null if there is no such thumbnail. The
-- run of an unconfirmed submission is confirmed by it.
create function private.wake_thumbnail(
  p_job_id uuid,
  p_attempt integer,
  p_provider_job_id text,
  p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_work private.thumbnail_work;
begin
  if not public.record_thumbnail_run(p_job_id, p_attempt, p_provider_job_id) then
    return null;
  end if;
  select * into v_work from private.thumbnail_work where job_id = p_job_id for update;
  return jsonb_build_object('outcome', 'thumbnail', 'leased_job', private.take_thumbnail(v_work, p_lease_seconds));
end;
$$;

revoke execute on function private.wake_thumbnail(uuid, integer, text, integer) from public, anon, authenticated;
grant execute on function private.wake_thumbnail(uuid, integer, text, integer) to service_role;
