-- The videos of imported users: finished jobs that nothing here made or charged.

-- Writes the queue's row of imported jobs. With p_copy the worker copies their files into Storage, a video every two
-- seconds, so that jobs that users wait for do not have to wait behind thousands of old files.
create function private.queue_imported_jobs(
  p_job_ids uuid[],
  p_copy boolean
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into private.job_queue (
    job_id, steps, step, artifacts, attempt, next_check_at, deadline_at, step_deadline_at)
  select job_id,
    jsonb_build_array(jsonb_build_object('name', 'generate', 'provider', 'import', 'model', provider ->> 'model',
      'input', '{}'::jsonb, 'produces', 'video_url', 'optional', false, 'extras', '[]'::jsonb, 'credits', 0)),
    1,
    jsonb_strip_nulls(jsonb_build_object(
      'video', case when video_url is not null then jsonb_build_object('url', video_url, 'provider', 'import') end,
      'thumbnail', case when thumbnail_url is not null
        then jsonb_build_object('url', thumbnail_url, 'provider', 'import') end)),
    1, case when p_copy and status = 'completed' then copied_at end, copied_at, copied_at
  from (
    -- The completed ones come first; the failed ones have nothing to copy.
    select jobs.*, last_at + row_number() over (order by status, created_at desc, job_id) * interval '2 seconds' as copied_at
    from public.video_jobs as jobs, (
      select greatest(private.clock(), max(next_check_at)) as last_at from private.job_queue) as queue
    where job_id = any (p_job_ids)
  ) as imported;
$$;

revoke execute on function private.queue_imported_jobs(uuid[], boolean) from public, anon, authenticated;
grant execute on function private.queue_imported_jobs(uuid[], boolean) to service_role;

-- The model of imported videos for which the catalogue has none: it cannot be chosen.
create function private.imported_model()
returns uuid
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into public.models (
    id, name, category, provider, provider_model_id, pricing_type, cost_per_generation, settings_schema, is_available,
    unavailable_reason)
  values (
    '00000000-0000-4000-8000-0000696d7074', 'Imported', 'text-to-video', 'import', 'import', 'per_generation', 1, '{}',
    false, 'Videos of an earlier system have this model')
  on conflict (id) do nothing;
  select uuid '00000000-0000-4000-8000-0000696d7074';
$$;

revoke execute on function private.imported_model() from public, anon, authenticated;
grant execute on function private.imported_model() to service_role;

-- Writes finished videos of imported users as jobs, once for each: { imported, already, left, expired }. `p_videos` is
-- [{ id, user, job_id, kind, prompt, model_id, model, settings, image_url, node_id, status, credits_used, video_url,
-- thumbnail_url, error_message, created_at, completed_at }]. Their times are as they were; `updated_at` is now, so that
-- clients that ask for changes get them. Videos older than the retention time are not written. Safe to repeat.
create function public.import_videos(
  p_source text,
  p_videos jsonb,
  p_copy boolean default true
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_kept_since timestamptz;
  v_model uuid := private.imported_model();
  v_owned jsonb;
  v_new uuid[];
  v_left integer;
  v_expired integer;
begin
  select coalesce(jsonb_agg(line || jsonb_build_object('user_id', owners.user_id)), '[]') into v_owned
  from jsonb_array_elements(p_videos) as line
  left join private.imported_users as owners on owners.source = p_source and owners.source_id = line ->> 'user'
  where owners.source_id is null or owners.user_id is not null;
  if exists (select from jsonb_array_elements(v_owned) as line where line -> 'user_id' = 'null') then
    raise exception 'A video of a user who is not imported' using errcode = 'invalid_parameter_value';
  end if;
  perform private.lock_user_shared(user_id) from (
    select distinct (line ->> 'user_id')::uuid as user_id from jsonb_array_elements(v_owned) as line order by 1) as owners;
  v_kept_since := coalesce(private.clock() - (
    select make_interval(days => retention_days) from public.app_settings), '-infinity');
  v_left := jsonb_array_length(p_videos) - jsonb_array_length(v_owned);

  with lines as (
    select * from jsonb_to_recordset(v_owned) as line (
      id text, user_id uuid, job_id uuid, kind text, prompt text, model_id uuid, model text, settings jsonb,
      image_url text, node_id text, status text, credits_used integer, video_url text, thumbnail_url text,
      error_message text, created_at timestamptz, completed_at timestamptz)
    where completed_at >= v_kept_since
  ), new as (
    insert into private.imported_videos (source, source_id, user_id, job_id)
    select p_source, id, user_id, coalesce(job_id, private.new_job_id(created_at)) from lines
    on conflict (source, source_id) do nothing
    returning source_id, imported_videos.job_id
  ), jobs as (
    insert into public.video_jobs (
      job_id, user_id, model_id, kind, prompt, settings, image_url, node_id, status, stage, progress_percent, step,
      provider, imported_from, credits_used, credits_refunded, error_code, error_message, video_url, thumbnail_url,
      created_at, updated_at, completed_at)
    select
      new.job_id, user_id, coalesce(model_id, v_model), coalesce(kind, 'generation'), prompt, coalesce(settings, '{}'),
      image_url, node_id, status, status, case status when 'completed' then 100 else 0 end, 1,
      jsonb_build_object('name', 'import', 'model', coalesce(model, p_source), 'request_id', id), p_source, credits_used,
      case status when 'failed' then credits_used else 0 end,
      case status when 'failed' then 'provider_error' end, error_message, video_url, thumbnail_url,
      created_at, private.clock(), completed_at
    from new join lines on lines.id = new.source_id
    returning job_id
  )
  select coalesce(array_agg(job_id), '{}'), (
    select jsonb_array_length(v_owned) - count(*) from lines) into v_new, v_expired from jobs;
  perform private.queue_imported_jobs(v_new, p_copy);
  return jsonb_build_object('imported', cardinality(v_new), 'left', v_left, 'expired', v_expired,
    'already', jsonb_array_length(v_owned) - v_expired - cardinality(v_new));
end;
$$;

revoke execute on function public.import_videos(text, jsonb, boolean) from public, anon, authenticated;
grant execute on function public.import_videos(text, jsonb, boolean) to service_role;
