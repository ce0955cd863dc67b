-- Checks of the settings in a model's row: one sentence for each fault. docs/models.md describes the format.

-- Whether a JSON value is a text that is not empty.
create function private.is_name(
  p_value jsonb
)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select coalesce(jsonb_typeof(p_value) = 'string' and p_value #>> '{}' <> '', false);
$$;

revoke execute on function private.is_name(jsonb) from public, anon, authenticated;
grant execute on function private.is_name(jsonb) to service_role;

-- Faults in the form of one setting's specification. Only a specification without them can be checked further.
create function private.spec_form_problems(
  p_spec jsonb
)
returns setof text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  -- The bounds of each kind: all of them must be there.
  v_bounds jsonb := '{"values": [], "boolean": [], "integer": ["minimum", "maximum"], "number": ["minimum", "maximum"],
    "text": ["max_length"], "list": ["max_items"]}';
  v_kind text := case when p_spec ? 'values' then 'values' else p_spec ->> 'type' end;
  v_key text;
begin
  if jsonb_typeof(p_spec) <> 'object' then
    return next 'must be an object';
    return;
  end if;
  for v_key in
    select key from jsonb_object_keys(p_spec) as key
    where key <> all ('{values,type,minimum,maximum,max_length,max_items,default,auto,input,format,phrases,price_factor}')
  loop
    return next format('has "%s", which is not a known key', v_key);
  end loop;
  if (p_spec ? 'values') = (p_spec ? 'type') then
    return next 'must have either values, the list of all allowed values, or a type';
    return;
  elsif not v_bounds ? coalesce(v_kind, '') then
    return next 'must have one of these types: integer, number, text, list, boolean';
    return;
  elsif v_kind = 'values' and (jsonb_typeof(p_spec -> 'values') <> 'array' or p_spec -> 'values' = '[]'
    or p_spec @? 'strict $.values[*] ? (@.type() != "string" && @.type() != "number" && @.type() != "boolean")') then
    return next 'must have texts, numbers or booleans in values, a list of at least one';
  end if;
  for v_key in select jsonb_array_elements_text(v_bounds -> v_kind) loop
    if jsonb_typeof(p_spec -> v_key) is distinct from 'number' then
      return next format('must have a number as %s, because its type is %s', v_key, v_kind);
    elsif v_kind <> 'number' and not (p_spec -> v_key @? '$ ? (@ == @.floor())') then
      return next format('must have a whole number as %s', v_key);
    end if;
  end loop;
  for v_key in
    select key from unnest('{minimum,maximum,max_length,max_items}'::text[]) as key
    where p_spec ? key and not v_bounds -> v_kind ? key
  loop
    return next format('must not have %s, which does not belong to %s', v_key, v_kind);
  end loop;
  if p_spec @? '$ ? (@.minimum > @.maximum || @.max_length < 1 || @.max_items < 1)' then
    return next 'has bounds that no value can meet';
  end if;
end;
$$;

revoke execute on function private.spec_form_problems(jsonb) from public, anon, authenticated;
grant execute on function private.spec_form_problems(jsonb) to service_role;

-- Faults in the rest of a specification whose form is right: default, auto, input, format, phrases and price_factor.
create function private.spec_use_problems(
  p_spec jsonb
)
returns setof text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  -- The values as text: phrases and factors are keyed by them.
  v_values jsonb := case when p_spec ->> 'type' = 'boolean' then '["true", "false"]'
    else (select coalesce(jsonb_agg(value), '[]') from jsonb_array_elements_text(p_spec -> 'values') as value) end;
  v_key text;
begin
  for v_key in select key from unnest('{default,auto}'::text[]) as key where p_spec ? key loop
    if private.setting_problem(p_spec, p_spec -> v_key) is not null then
      return next format('has %s as %s, which %s', p_spec -> v_key, v_key,
        private.setting_problem(p_spec - 'auto', p_spec -> v_key));
    end if;
  end loop;
  if p_spec ? 'input' and not private.is_name(p_spec -> 'input') then
    return next 'must have a text as input, the provider''s name for it';
  end if;
  if p_spec ? 'format' and not (private.is_name(p_spec -> 'format') and p_spec ->> 'format' like '%{}%') then
    return next 'must have a text with {} as format, where the value goes';
  elsif p_spec ? 'format' and not p_spec ? 'input' then
    return next 'has a format, but no input, the name that it is sent under';
  end if;
  foreach v_key in array '{phrases,price_factor}'::text[] loop
    continue when not p_spec ? v_key;
    if jsonb_typeof(p_spec -> v_key) <> 'object' then
      return next format('must have an object as %s', v_key);
    else
      return query select format('has a %s for "%s", which is not one of its values', v_key, value)
        from jsonb_object_keys(p_spec -> v_key) as value where not v_values ? value;
    end if;
  end loop;
  if p_spec @? 'strict $.phrases.* ? (@.type() != "string")' then
    return next 'must have a text for each of its phrases';
  end if;
  -- A factor of 0 would give the video away.
  if p_spec @? 'strict $.price_factor.* ? (@.type() != "number" || @ <= 0)' then
    return next 'must have a number above 0 for each price_factor';
  end if;
end;
$$;

revoke execute on function private.spec_use_problems(jsonb) from public, anon, authenticated;
grant execute on function private.spec_use_problems(jsonb) to service_role;

-- Faults in the settings that have a meaning to our own procedures.
create function private.reserved_setting_problems(
  p_settings jsonb
)
returns setof text
language sql
immutable
security invoker
set search_path = ''
as $$
  -- Prices, lengths and the monthly quota are calculated from these.
  select format('settings.%s must be numbers above 0', key)
  from jsonb_each(p_settings)
  where key in ('duration', 'fps', 'num_frames') and not case
    when value ? 'values' then not (value @? 'strict $.values[*] ? (@.type() != "number" || @ <= 0)')
    else value ->> 'type' in ('integer', 'number') and (value @? '$ ? (@.minimum > 0)') end
  union all
  select format('settings.%s must be of the type %s', key, wanted)
  from jsonb_each(p_settings) join (values
    ('enable_voiceover', 'boolean'), ('enable_music', 'boolean'), ('enable_subtitles', 'boolean'),
    ('burn_in', 'boolean'), ('generate_audio', 'boolean'),
    ('subtitles', 'list'), ('deliver_without', 'list'), ('voiceover_text', 'text')) as meant (name, wanted) on name = key
  where value ->> 'type' is distinct from wanted
  union all
  select 'settings.music_volume must be numbers from 0 to 100' from jsonb_each(p_settings)
  where key = 'music_volume' and not (value @? '$ ? (@.minimum >= 0 && @.maximum <= 100)');
$$;

revoke execute on function private.reserved_setting_problems(jsonb) from public, anon, authenticated;
grant execute on function private.reserved_setting_problems(jsonb) to service_role;
