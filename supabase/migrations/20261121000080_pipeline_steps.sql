-- The steps of a video besides its generation. Each is one request to the provider that its row names.

-- What the tools do to a video besides generating it. `provider` chooses one of the step's rows in pipeline_tools.
create table public.pipeline_steps (
  name text primary key,
  description text not null,
  provider text not null,
  produces text not null,
  credits integer not null default 0,
  -- How long a job waits for this step when its video may be delivered without it. No job waits for its thumbnail: for
  -- it, this is how long it is tried after the delivery.
  patience_seconds integer not null default 120,
  is_available boolean not null default true,
  constraint step_has_a_tool foreign key (name, provider) references public.pipeline_tools (step, provider),
  constraint step_product_is_known check (produces in ('video_url', 'audio_url', 'image_url')),
  constraint step_price_is_not_negative check (credits >= 0),
  constraint step_patience_is_positive check (patience_seconds > 0)
);

-- Supabase's linter asks for an index below every foreign key.
create index pipeline_steps_by_tool on public.pipeline_steps (name, provider);

alter table public.pipeline_steps enable row level security;
create policy "Everybody reads what extras cost" on public.pipeline_steps for select to anon, authenticated using (true);
revoke all on public.pipeline_steps from anon, authenticated, service_role;
grant select on public.pipeline_steps to anon, authenticated;
grant select, insert, update, delete on public.pipeline_steps to service_role;

-- The functions below use these names. If the thumbnail's is_available is false, the only thumbnails are those of the
-- models.
insert into public.pipeline_steps (name, description, provider, produces, credits, patience_seconds)
values
  ('voiceover', 'Speaks the text', 'fal', 'audio_url', 1, 120),
  ('music', 'Composes music of the video''s length', 'fal', 'audio_url', 1, 180),
  ('loudness', 'Brings the music to its volume', 'fal', 'audio_url', 0, 60),
  ('mix', 'Lays voice and music under the video', 'fal', 'video_url', 0, 180),
  ('frame', 'Takes the last frame of a part', 'fal', 'image_url', 0, 60),
  ('join', 'Joins the parts of a long video', 'fal', 'video_url', 0, 180),
  ('trim', 'Cuts a video to its length', 'fal', 'video_url', 0, 180),
  ('subtitles', 'Draws the subtitles into the picture', 'fal', 'video_url', 1, 300),
  ('thumbnail', 'Takes the first frame', 'fal', 'image_url', 0, 600);

-- Lists the extras in resolved settings whose tool is switched off, as issues.
create function private.unavailable_extras(
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(distinct jsonb_build_object(
      'path', 'settings.' || setting, 'message', 'must be false: it is not available at the moment')), '[]')
    from public.pipeline_steps
    join (values ('voiceover', 'enable_voiceover'), ('mix', 'enable_voiceover'), ('music', 'enable_music'),
      ('loudness', 'enable_music'), ('mix', 'enable_music'), ('subtitles', 'burn_in'))
      as switches (name, setting) using (name)
    where not is_available and (p_settings ->> setting)::boolean);
end;
$$;

revoke execute on function private.unavailable_extras(jsonb) from public, anon, authenticated;
grant execute on function private.unavailable_extras(jsonb) to anon, authenticated, service_role;

-- Replaces the placeholders of a template, at any depth: { "from": name } becomes the value of that name, or its entry
-- in "choices".
create function private.render(
  p_template jsonb,
  p_values jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  if jsonb_typeof(p_template) = 'array' then
    return coalesce((
      select jsonb_agg(private.render(item, p_values) order by place)
      from jsonb_array_elements(p_template) with ordinality as items (item, place)), '[]');
  elsif jsonb_typeof(p_template) <> 'object' then
    return p_template;
  elsif p_template ? 'choices' then
    return p_template -> 'choices' -> (p_values ->> (p_template ->> 'from'));
  elsif p_template ? 'from' then
    return p_values -> (p_template ->> 'from');
  end if;
  return coalesce((
    select jsonb_object_agg(field.key, case when jsonb_typeof(field.value) in ('object', 'array')
      then private.render(field.value, p_values) else field.value end) from jsonb_each(p_template) as field), '{}');
end;
$$;

revoke execute on function private.render(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.render(jsonb, jsonb) to anon, authenticated, service_role;

-- One step of a job, made from its row and that of its tool. `extras` are those that need the step: when all of them are skipped, so is
-- the step. `optional`: the video may be delivered without it.
create function private.pipeline_step(
  p_name text,
  p_values jsonb,
  p_extras jsonb default '[]',
  p_optional boolean default false
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select jsonb_build_object(
      'name', name, 'provider', provider, 'model', provider_model_id, 'produces', produces,
      'input', private.render(input, p_values), 'credits', credits, 'extras', p_extras, 'optional', p_optional,
      'typical_seconds', typical_seconds, 'max_run_seconds', max_run_seconds, 'patience_seconds', patience_seconds)
    from public.pipeline_steps
    join public.pipeline_tools using (provider)
    where name = p_name and step = p_name);
end;
$$;

revoke execute on function private.pipeline_step(text, jsonb, jsonb, boolean) from public, anon, authenticated;
grant execute on function private.pipeline_step(text, jsonb, jsonb, boolean) to anon, authenticated, service_role;

-- A run of a step as the job's owner sees it; request_id is null until the provider has given one.
create function private.provider_json(
  p_step jsonb,
  p_provider_job_id text default null
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object('name', p_step -> 'provider', 'model', p_step -> 'model', 'request_id', p_provider_job_id);
end;
$$;

revoke execute on function private.provider_json(jsonb, text) from public, anon, authenticated;
grant execute on function private.provider_json(jsonb, text) to service_role;
