-- How a video is made: all steps of its job, in order, each with its price.

-- Builds a model's input from the prompt and resolved settings, as its schema maps them. A setting with `phrases` adds
-- words to the prompt.
create function private.provider_input(
  p_schema jsonb,
  p_prompt text,
  p_settings jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_phrases text;
  v_inputs jsonb;
begin
  select
    string_agg(spec.value -> 'phrases' ->> (p_settings ->> spec.key), ' ' order by spec.key),
    jsonb_object_agg(
      spec.value ->> 'input',
      case when spec.value ? 'format'
        then to_jsonb(replace(spec.value ->> 'format', '{}', p_settings ->> spec.key))
        else p_settings -> spec.key end) filter (where spec.value ? 'input' and p_settings ? spec.key)
  into v_phrases, v_inputs
  from jsonb_each(p_schema -> 'settings') as spec;
  return coalesce(p_schema -> 'fixed_input', '{}')
    || jsonb_build_object(coalesce(p_schema -> 'prompt' ->> 'input', 'prompt'), concat_ws(' ', p_prompt, v_phrases))
    || coalesce(v_inputs, '{}');
end;
$$;

revoke execute on function private.provider_input(jsonb, text, jsonb) from public, anon, authenticated;
grant execute on function private.provider_input(jsonb, text, jsonb) to anon, authenticated, service_role;

-- The video so far, as the input of a step after the model's runs. If only we can open the provider's files, the step
-- gets our own copy.
create function private.video_input(
  p_files_are_public boolean
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case when p_files_are_public then '{"artifact": "video"}'::jsonb else '{"stored_video": true}'::jsonb end;
end;
$$;

revoke execute on function private.video_input(boolean) from public, anon, authenticated;
grant execute on function private.video_input(boolean) to anon, authenticated, service_role;

-- The steps that make the picture from a first and a last image, as the model takes them: one run; or several that
-- continue one another and are joined, for a length that one run cannot make; or one run that is cut. A file in the
-- user's folder is { "input_file": path }, and becomes a signed URL when it is sent.
create function private.generation_steps(
  p_model public.models,
  p_prompt text,
  p_first_image jsonb,
  p_last_image jsonb,
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_schema jsonb := p_model.settings_schema;
  v_segments jsonb := v_schema -> 'segments';
  v_duration integer := (p_settings ->> 'duration')::numeric;
  v_count integer := coalesce(ceil(v_duration / (v_segments ->> 'maximum')::numeric), 1);
  v_input jsonb;
  v_name text := 'generate';
  v_names text[] := '{}';
  v_steps jsonb := '[]';
begin
  for v_number in 1 .. v_count loop
    v_input := private.provider_input(v_schema, p_prompt, p_settings);
    if v_segments is not null then
      v_input := v_input || jsonb_build_object(v_segments ->> 'input', replace(v_segments ->> 'format', '{}', greatest(
        (v_segments ->> 'minimum')::integer,
        v_duration * v_number / v_count - v_duration * (v_number - 1) / v_count)::text));
    end if;
    if v_number > 1 then
      v_steps := v_steps || (
        private.pipeline_step('frame', jsonb_build_object('video', jsonb_build_object('artifact', v_name)))
        || jsonb_build_object('name', 'frame_' || v_number - 1));
      v_input := v_input || jsonb_build_object(
        v_schema -> 'image_url' ->> 'input', jsonb_build_object('artifact', 'frame_' || v_number - 1));
    elsif p_first_image is not null then
      v_input := v_input || jsonb_build_object(v_schema -> 'image_url' ->> 'input', p_first_image);
    end if;
    if v_number = v_count and p_last_image is not null then
      v_input := v_input || jsonb_build_object(v_schema -> 'tail_image_url' ->> 'input', p_last_image);
    end if;
    v_name := case when v_count > 1 then 'generate_' || v_number else 'generate' end;
    v_names := v_names || v_name;
    v_steps := v_steps || (jsonb_strip_nulls(jsonb_build_object('output', v_schema -> 'output')) || jsonb_build_object(
      'name', v_name, 'provider', p_model.provider, 'model', p_model.provider_model_id, 'produces', 'video_url',
      'input', v_input, 'credits', case v_number when 1 then private.price(p_model, p_settings) else 0 end,
      'extras', '[]'::jsonb, 'optional', false, 'makes_video', true,
      'typical_seconds', p_model.typical_seconds, 'max_run_seconds', p_model.max_run_seconds));
  end loop;

  if v_count > 1 then
    v_steps := v_steps || private.pipeline_step('join', jsonb_build_object('videos', (
      select jsonb_agg(jsonb_build_object('artifact', name) order by place)
      from unnest(v_names) with ordinality as names (name, place))));
  elsif v_duration < (v_segments ->> 'minimum')::integer then
    v_steps := v_steps || private.pipeline_step('trim', p_settings || jsonb_build_object(
      'video', private.video_input(p_model.files_are_public)));
  end if;
  return v_steps;
end;
$$;

revoke execute on function private.generation_steps(public.models, text, jsonb, jsonb, jsonb)
  from public, anon, authenticated;
grant execute on function private.generation_steps(public.models, text, jsonb, jsonb, jsonb)
  to anon, authenticated, service_role;

-- The loudness of music at a volume in percent, in LUFS: 100 is -14, the level of streaming services, and half the
-- volume is half the amplitude.
create function private.loudness_of(
  p_volume numeric
)
returns numeric
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return round(-14 + 20 * log(p_volume / 100), 1);
end;
$$;

revoke execute on function private.loudness_of(numeric) from public, anon, authenticated;
grant execute on function private.loudness_of(numeric) to anon, authenticated, service_role;

-- A track of a mix: it plays one file from the beginning to the end.
create function private.track(
  p_id text,
  p_type text,
  p_url jsonb,
  p_seconds numeric
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object('id', p_id, 'type', p_type, 'keyframes', jsonb_build_array(jsonb_build_object(
    'timestamp', 0, 'duration', trim_scale(p_seconds * 1000), 'url', p_url)));
end;
$$;

revoke execute on function private.track(text, text, jsonb, numeric) from public, anon, authenticated;
grant execute on function private.track(text, text, jsonb, numeric) to anon, authenticated, service_role;

-- The steps before and after the picture that add sound, as resolved settings ask for it: { before, after }. A cheap
-- step that may be refused comes before the expensive run.
create function private.sound_steps(
  p_settings jsonb,
  p_video jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_volume numeric := coalesce((p_settings ->> 'music_volume')::numeric, 100);
  v_spare jsonb := coalesce(p_settings -> 'deliver_without', '[]');
  v_extras jsonb := '[]';
  v_seconds numeric := private.length_of(p_settings);
  v_tracks jsonb;
  -- The same for tools that take the sounds alone.
  v_sounds jsonb := '[]';
  v_steps jsonb := '[]';
  v_mix jsonb;
begin
  v_tracks := jsonb_build_array(private.track('video', 'video', p_video, v_seconds));
  if (p_settings ->> 'enable_voiceover')::boolean then
    v_extras := v_extras || '"voiceover"';
    v_tracks := v_tracks || private.track('voiceover', 'audio', '{"artifact": "voiceover"}', v_seconds);
    v_sounds := v_sounds || '{"artifact": "voiceover"}';
    v_steps := v_steps || private.pipeline_step('voiceover', p_settings, '["voiceover"]', v_spare ? 'voiceover');
  end if;
  -- Music at volume 0 is no music.
  if (p_settings ->> 'enable_music')::boolean and v_volume > 0 then
    v_extras := v_extras || '"music"';
    v_tracks := v_tracks || private.track('music', 'audio', '{"artifact": "loudness"}', v_seconds);
    v_sounds := v_sounds || '{"artifact": "loudness"}';
    v_steps := v_steps
      || private.pipeline_step('music', p_settings || jsonb_build_object('duration', ceil(v_seconds)),
        '["music"]', v_spare ? 'music')
      || private.pipeline_step('loudness',
        jsonb_build_object('music_loudness', private.loudness_of(v_volume)), '["music"]', v_spare ? 'music');
  end if;
  if v_extras <> '[]' then
    v_mix := private.pipeline_step('mix', jsonb_build_object('video', p_video, 'tracks', v_tracks, 'sounds', v_sounds,
      'duration', v_seconds), v_extras, v_extras <@ v_spare);
  end if;
  return jsonb_build_object('before', v_steps, 'after', coalesce(v_mix, '[]'));
end;
$$;

revoke execute on function private.sound_steps(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.sound_steps(jsonb, jsonb) to anon, authenticated, service_role;

-- All steps of a job, in order. The thumbnail is no step: it is made after the video was delivered.
create function private.build_steps(
  p_model public.models,
  p_prompt text,
  p_first_image jsonb,
  p_last_image jsonb,
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_picture jsonb := private.generation_steps(p_model, p_prompt, p_first_image, p_last_image, p_settings);
  v_video jsonb;
  v_sound jsonb;
begin
  if not private.have_extras(p_settings) then
    return v_picture;
  end if;
  v_video := private.video_input(p_model.files_are_public);
  v_sound := private.sound_steps(p_settings, v_video);
  return v_sound -> 'before' || v_picture || (v_sound -> 'after')
    || private.burn_in_steps(p_settings, v_video);
end;
$$;

revoke execute on function private.build_steps(public.models, text, jsonb, jsonb, jsonb)
  from public, anon, authenticated;
grant execute on function private.build_steps(public.models, text, jsonb, jsonb, jsonb)
  to anon, authenticated, service_role;

-- The step that makes the thumbnail of a delivered video; null if it is switched off.
create function private.thumbnail_step(
  p_files_are_public boolean
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select private.pipeline_step(name, jsonb_build_object('video', private.video_input(p_files_are_public)), '[]', true)
    from public.pipeline_steps where name = 'thumbnail' and is_available);
end;
$$;

revoke execute on function private.thumbnail_step(boolean) from public, anon, authenticated;
grant execute on function private.thumbnail_step(boolean) to service_role;
