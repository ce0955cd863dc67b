-- The rules of the extras that need the model: the length of its video, and its own sound.

-- Whether resolved settings ask for a voice or music. Music at volume 0 is no music.
create function private.wants_sound(
  p_settings jsonb
)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return coalesce((p_settings ->> 'enable_voiceover')::boolean, false)
    or coalesce((p_settings ->> 'enable_music')::boolean and (p_settings ->> 'music_volume')::numeric > 0, false);
end;
$$;

revoke execute on function private.wants_sound(jsonb) from public, anon, authenticated;
grant execute on function private.wants_sound(jsonb) to anon, authenticated, service_role;

-- Lists what does not fit into a video of the length that resolved settings ask for, as issues. Prices are asked for
-- with any settings: a list may have anything.
create function private.length_problems(
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
    select coalesce(jsonb_agg(jsonb_build_object('path', 'settings.' || path, 'message', message)), '[]')
    from (select private.length_of(p_settings)) as video (seconds), lateral (
      select setting as path, 'must be false: the length of the videos of this model is not known' as message
      from unnest('{enable_voiceover,enable_music}'::text[]) as setting
      where seconds is null and (p_settings ->> setting)::boolean
      union all
      -- Fast speech: a longer text would be cut off at the end of the video.
      select 'voiceover_text', format('must be at most %s characters for a video of %s seconds', floor(20 * seconds), seconds)
      where (p_settings ->> 'enable_voiceover')::boolean
        and char_length(p_settings ->> 'voiceover_text') > floor(20 * seconds)
      union all
      select format('subtitles.%s.endTime', place - 1), 'must not be after the end of the video'
      from jsonb_array_elements(p_settings -> 'subtitles') with ordinality as listed (subtitle, place)
      where case when jsonb_typeof(subtitle -> 'endTime') = 'number' then (subtitle ->> 'endTime')::numeric > seconds end
    ) as problems);
end;
$$;

revoke execute on function private.length_problems(jsonb) from public, anon, authenticated;
grant execute on function private.length_problems(jsonb) to anon, authenticated, service_role;

-- Lists a length that only several runs or a cut give, as an issue, if the tool for that is switched off.
create function private.unavailable_lengths(
  p_segments jsonb,
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_duration numeric := p_settings ->> 'duration';
  v_tools text[] := case
    when v_duration > (p_segments ->> 'maximum')::numeric then '{frame,join}'
    when v_duration < (p_segments ->> 'minimum')::numeric then '{trim}' end;
begin
  -- Two conditions: with a query in it Postgres would prepare the first one as a query too.
  if v_tools is null then
    return '[]';
  elsif not exists (select from public.pipeline_steps where name = any (v_tools) and not is_available) then
    return '[]';
  end if;
  return jsonb_build_array(jsonb_build_object('path', 'settings.duration',
    'message', format('must be %s to %s', p_segments ->> 'minimum', p_segments ->> 'maximum')));
end;
$$;

revoke execute on function private.unavailable_lengths(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.unavailable_lengths(jsonb, jsonb) to anon, authenticated, service_role;

-- Checks settings against a model's row and the rules of the extras, and adds the defaults: { settings, issues }. Beside
-- a voice or music the model's own sound is off, if it has such a switch: only the requested sound is to be heard.
create function private.resolve_for_model(
  p_model public.models,
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_schema jsonb := private.with_extras(p_model.settings_schema, p_settings);
  v_resolved jsonb := private.resolve_settings(v_schema, p_settings);
  v_settings jsonb := v_resolved -> 'settings';
  v_issues jsonb := v_resolved -> 'issues';
begin
  if private.have_extras(v_settings) then
    if private.wants_sound(v_settings) and v_schema -> 'settings' ? 'generate_audio' then
      if p_settings -> 'generate_audio' = 'true' then
        v_issues := v_issues || jsonb_build_object('path', 'settings.generate_audio',
          'message', 'must be false or left out beside voiceover and music');
      end if;
      v_settings := v_settings || '{"generate_audio": false}';
    end if;
    v_issues := v_issues || private.unavailable_extras(v_settings) || private.length_problems(v_settings)
      || private.undrawable_subtitles(v_settings);
  end if;
  if v_schema ? 'segments' then
    v_issues := v_issues || private.unavailable_lengths(v_schema -> 'segments', v_settings);
  end if;
  return jsonb_build_object('settings', v_settings, 'issues', v_issues);
end;
$$;

revoke execute on function private.resolve_for_model(public.models, jsonb) from public, anon, authenticated;
grant execute on function private.resolve_for_model(public.models, jsonb) to anon, authenticated, service_role;
