-- The settings of the extras: voiceover, music and subtitles. Every model takes them beside its own.

-- The extras of every model, in the format of docs/models.md. A model's row may have one of them too, with fewer values.
create function private.extra_settings()
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return '{
    "enable_voiceover": { "type": "boolean", "default": false },
    "voice_type": { "values": ["male", "female", "neutral"], "default": "neutral" },
    "voiceover_text": { "type": "text", "max_length": 1200 },
    "enable_music": { "type": "boolean", "default": false },
    "music_type": { "values": ["ambient", "upbeat", "cinematic", "calm", "energetic"], "default": "ambient" },
    "music_volume": { "type": "integer", "minimum": 0, "maximum": 100, "default": 50 },
    "enable_subtitles": { "type": "boolean", "default": false },
    "subtitles": { "type": "list", "max_items": 200, "default": [] },
    "subtitle_style": { "values": ["default", "bold", "animated", "minimal"], "default": "default" },
    "subtitle_position": { "values": ["bottom", "center", "top"], "default": "bottom" },
    "burn_in": { "type": "boolean", "default": false },
    "deliver_without": { "type": "list", "max_items": 3, "default": [] }
  }'::jsonb;
end;
$$;

revoke execute on function private.extra_settings() from public, anon, authenticated;
grant execute on function private.extra_settings() to anon, authenticated, service_role;

-- The names of the extras, ready: they are asked for in every request.
create function private.extra_names()
returns text[]
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return '{enable_voiceover,voice_type,voiceover_text,enable_music,music_type,music_volume,enable_subtitles,subtitles,'
    'subtitle_style,subtitle_position,burn_in,deliver_without}';
end;
$$;

revoke execute on function private.extra_names() from public, anon, authenticated;
grant execute on function private.extra_names() to anon, authenticated, service_role;

-- Whether settings have any of the extras.
create function private.have_extras(
  p_settings jsonb
)
returns boolean
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return p_settings ?| private.extra_names();
end;
$$;

revoke execute on function private.have_extras(jsonb) from public, anon, authenticated;
grant execute on function private.have_extras(jsonb) to anon, authenticated, service_role;

-- A model's schema with the extras, if a request names one of them. Without one the settings of a job stay as they are
-- in the model's row: their defaults would say nothing.
create function private.with_extras(
  p_schema jsonb,
  p_settings jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case when private.have_extras(p_settings)
    then p_schema || jsonb_build_object(
      'settings', private.extra_settings() || coalesce(p_schema -> 'settings', '{}'))
    else p_schema end;
end;
$$;

revoke execute on function private.with_extras(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.with_extras(jsonb, jsonb) to anon, authenticated, service_role;

-- The length of the video that resolved settings ask for, in seconds; null where the model does not tell it.
create function private.length_of(
  p_settings jsonb
)
returns numeric
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return trim_scale(round(coalesce(
    (p_settings ->> 'duration')::numeric,
    -- The models that take frames (Wan) make 16 per second unless the settings say otherwise.
    (p_settings ->> 'num_frames')::numeric / coalesce((p_settings ->> 'fps')::numeric, 16)), 3));
end;
$$;

revoke execute on function private.length_of(jsonb) from public, anon, authenticated;
grant execute on function private.length_of(jsonb) to anon, authenticated, service_role;
