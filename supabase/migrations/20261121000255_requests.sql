-- What a request asks for: the job, its model, its settings and its images.

-- The model that a request names instead of its id: by its name in any case, or by the provider's own id of it. A name
-- wins over an id; where several rows fit, one that is available, then the featured one. Null: none fits.
create function private.model_named(
  p_name text
)
returns uuid
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select id from public.models
    where lower(name) = lower(p_name) or provider_model_id = p_name
    order by lower(name) = lower(p_name) desc, is_available desc, is_featured desc, id
    limit 1);
end;
$$;

revoke execute on function private.model_named(text) from public, anon, authenticated;
grant execute on function private.model_named(text) to service_role;

-- The requested job, not written yet: it has no price, and its settings are as they were sent. An unknown field is
-- refused: if it were ignored, a misspelled max_credits would be ignored too.
create function private.requested_job(
  p_user_id uuid,
  p_request jsonb
)
returns public.video_jobs
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_unknown jsonb := p_request - array['kind', 'model_id', 'model_name', 'prompt', 'settings', 'image_url', 'image_path',
    'tail_image_url', 'tail_image_path', 'node_id', 'needs_node', 'max_credits', 'functions_url'];
  v_job public.video_jobs;
begin
  if v_unknown is distinct from '{}' then
    raise exception 'These are no fields of a request: %', v_unknown using errcode = 'invalid_parameter_value';
  end if;
  v_job := jsonb_populate_record(null::public.video_jobs, '{"kind": "generation", "settings": {}}' || p_request);
  v_job.job_id := private.new_job_id(private.clock());
  v_job.user_id := p_user_id;
  if p_request ->> 'model_name' is not null then
    -- A name that no model has must not be taken for no model at all, for which the catalogue chooses.
    v_job.model_id := coalesce(
      private.model_named(p_request ->> 'model_name'), '00000000-0000-0000-0000-000000000000');
  end if;
  return v_job;
end;
$$;

revoke execute on function private.requested_job(uuid, jsonb) from public, anon, authenticated;
grant execute on function private.requested_job(uuid, jsonb) to service_role;

-- The model of a request; null when it is not available. A request without a model gets the default one of its
-- category; where the operator chose none, the featured one.
create function private.find_model(
  p_job public.video_jobs
)
returns public.models
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_category text := case
    when p_job.kind = 'transition' then 'transition'
    when coalesce(p_job.image_url, p_job.image_path) is null then 'text-to-video'
    else 'image-to-video' end;
  v_model_id uuid := p_job.model_id;
  v_model public.models;
begin
  if v_model_id is null then
    select id into v_model_id from public.models
    where is_available and category = v_category
    order by is_default desc, is_featured desc, id
    limit 1;
  end if;
  select * into v_model from public.models
  where id = v_model_id and is_available and (p_job.kind = 'generation' or category = 'transition');
  return v_model;
end;
$$;

revoke execute on function private.find_model(public.video_jobs) from public, anon, authenticated;
grant execute on function private.find_model(public.video_jobs) to service_role;

-- The issue of an image that a model does not take or that it needs, in a list; an empty list where there is none.
create function private.image_issues(
  p_path text,
  p_spec jsonb,
  p_is_given boolean,
  p_demand text
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if p_is_given and p_spec is null then
    return jsonb_build_array(jsonb_build_object(
      'path', p_path, 'message', 'not taken by this model: leave it out'));
  elsif not p_is_given and (p_spec ->> 'required')::boolean then
    return jsonb_build_array(jsonb_build_object('path', p_path, 'message', p_demand));
  end if;
  return '[]';
end;
$$;

revoke execute on function private.image_issues(text, jsonb, boolean, text) from public, anon, authenticated;
grant execute on function private.image_issues(text, jsonb, boolean, text) to service_role;

-- Checks settings and images against the model: { settings, issues }.
create function private.resolve_request(
  p_model public.models,
  p_settings jsonb,
  p_has_image boolean,
  p_has_tail_image boolean default false
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_schema jsonb := p_model.settings_schema;
  v_resolved jsonb := private.resolve_for_model(p_model, p_settings);
begin
  if not (p_has_image or p_has_tail_image or v_schema ?| '{image_url,tail_image_url}') then
    return v_resolved;
  end if;
  return jsonb_set(v_resolved, '{issues}', v_resolved -> 'issues'
    || private.image_issues('image_url', v_schema -> 'image_url', p_has_image,
      'required by this model: send the https address of an image, or an image_path from POST /uploads')
    || private.image_issues('tail_image', v_schema -> 'tail_image_url', p_has_tail_image,
      'required by this model: use POST /transitions/create-and-generate/'));
end;
$$;

revoke execute on function private.resolve_request(public.models, jsonb, boolean, boolean)
  from public, anon, authenticated;
grant execute on function private.resolve_request(public.models, jsonb, boolean, boolean) to service_role;

-- An image as the input of a step: its URL, or the file in the user's own folder.
create function private.image_input(
  p_url text,
  p_path text
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case when coalesce(p_url, p_path) is not null
    then coalesce(to_jsonb(p_url), jsonb_build_object('input_file', p_path)) end;
end;
$$;

revoke execute on function private.image_input(text, text) from public, anon, authenticated;
grant execute on function private.image_input(text, text) to service_role;
