-- The settings of a request: they are checked against the model's row and completed with its defaults.

-- Returns why a value does not fit a setting's specification; null when it fits. functions/_shared/errors/issues.ts
-- translates the sentences, as those of all issues.
create function private.setting_problem(
  p_spec jsonb,
  p_value jsonb
)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_kind text := p_spec ->> 'type';
  v_number numeric;
begin
  -- The longest value that a setting takes is the subtitles of a transition, which fit the body of a request.
  if pg_column_size(p_value) > 131072 then
    return 'must be smaller than 128 KiB';
  end if;
  if p_spec ? 'values' then
    if p_spec -> 'values' @> jsonb_build_array(p_value) then
      return null;
    end if;
    return 'must be one of: ' || (
      select string_agg(allowed #>> '{}', ', ') from jsonb_array_elements(p_spec -> 'values') as allowed)
      || case when p_spec ? 'auto' then ', auto' else '' end;
  end if;
  if v_kind = 'boolean' then
    return case when jsonb_typeof(p_value) <> 'boolean' then 'must be true or false' end;
  elsif v_kind = 'list' then
    return case when jsonb_typeof(p_value) <> 'array' or jsonb_array_length(p_value) > (p_spec ->> 'max_items')::integer
      then format('must be a list of at most %s', p_spec ->> 'max_items') end;
  elsif v_kind = 'text' then
    if jsonb_typeof(p_value) <> 'string' or char_length(p_value #>> '{}') > (p_spec ->> 'max_length')::integer then
      return format('must be text of at most %s characters', p_spec ->> 'max_length');
    end if;
    return null;
  end if;
  if jsonb_typeof(p_value) = 'number' then
    v_number := (p_value #>> '{}')::numeric;
    if v_number between (p_spec ->> 'minimum')::numeric and (p_spec ->> 'maximum')::numeric
      and (v_kind = 'number' or v_number = trunc(v_number)) then
      return null;
    end if;
  end if;
  return format(
    case v_kind when 'integer' then 'must be a whole number from %s to %s' else 'must be a number from %s to %s' end,
    p_spec ->> 'minimum', p_spec ->> 'maximum');
end;
$$;

revoke execute on function private.setting_problem(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.setting_problem(jsonb, jsonb) to anon, authenticated, service_role;

-- Returns why settings are too large for any model; null when they are not. Any visitor may ask for a price, so the
-- cost of this check must not grow with the settings.
create function private.settings_size_problem(
  p_settings jsonb
)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  -- 41 settings take 8 bytes each for a name and a value, besides both.
  if pg_column_size(p_settings) < 328 then
    return null;
  end if;
  return case
    -- Four times the body of a request. Postgres knows the size of a value in memory without reading it.
    when pg_column_size(p_settings) > 262144 then 'must be smaller than 256 KiB'
    when (select count(*) from (select from jsonb_object_keys(p_settings) limit 41) as names) > 40
      then 'must have at most 40 settings' end;
end;
$$;

revoke execute on function private.settings_size_problem(jsonb) from public, anon, authenticated;
grant execute on function private.settings_size_problem(jsonb) to anon, authenticated, service_role;

-- Lists the settings that a model does not have, as issues. The first issue names the settings that it has.
create function private.unknown_settings(
  p_specs jsonb,
  p_settings jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object(
      'path', 'settings.' || left(name, 64),
      'message', 'not a setting of this model' || case when place = 1 then ', which takes: ' || coalesce((
        select string_agg(key, ', ' order by key) from jsonb_object_keys(p_specs) as key), 'none') else '' end)
      order by place), '[]')
    from (
      select name, row_number() over (order by name) as place
      from jsonb_object_keys(p_settings) as name where not p_specs ? name
    ) as unknown);
end;
$$;

revoke execute on function private.unknown_settings(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.unknown_settings(jsonb, jsonb) to anon, authenticated, service_role;

-- Checks settings against a model's schema and adds the defaults: { settings, issues }.
create function private.resolve_settings(
  p_schema jsonb,
  p_settings jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_specs jsonb := coalesce(p_schema -> 'settings', '{}');
  v_asked jsonb := coalesce(p_settings, '{}');
  v_resolved jsonb;
  v_issues jsonb := '[]';
  v_has_unknown boolean := false;
  v_name text;
  v_value jsonb;
  v_problem text := private.settings_size_problem(v_asked);
begin
  if v_problem is not null then
    return jsonb_build_object('settings', '{}'::jsonb, 'issues',
      jsonb_build_array(jsonb_build_object('path', 'settings', 'message', v_problem)));
  end if;
  select coalesce(jsonb_object_agg(key, value -> 'default'), '{}') into v_resolved
  from jsonb_each(v_specs) where value ? 'default';

  for v_name, v_value in select key, value from jsonb_each(v_asked) loop
    if not v_specs ? v_name then
      v_has_unknown := true;
      continue;
    end if;
    if v_value = '"auto"' and v_specs -> v_name ? 'auto' then
      v_value := v_specs -> v_name -> 'auto';
    end if;
    v_problem := private.setting_problem(v_specs -> v_name, v_value);
    if v_problem is not null then
      v_issues := v_issues || jsonb_build_object('path', 'settings.' || v_name, 'message', v_problem);
      continue;
    end if;
    if jsonb_typeof(v_value) = 'number' then
      -- 8.0 equals the 8 of the list, and must be sent as 8.
      v_value := to_jsonb(trim_scale((v_value #>> '{}')::numeric));
    end if;
    v_resolved := v_resolved || jsonb_build_object(v_name, v_value);
  end loop;
  if v_has_unknown then
    v_issues := private.unknown_settings(v_specs, v_asked) || v_issues;
  end if;
  return jsonb_build_object('settings', v_resolved, 'issues', v_issues);
end;
$$;

revoke execute on function private.resolve_settings(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.resolve_settings(jsonb, jsonb) to anon, authenticated, service_role;
