-- What a request may ask of a model, and what that costs: all from the model's row.

-- Says why a value does not fit a setting's specification; null when it fits. Its sentences, as all of issues, are
-- translated by functions/_shared/http/issues.ts.
create function private.setting_problem(
  p_spec jsonb,
  p_value jsonb
)
returns text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_kind text := p_spec ->> 'type';
  v_number numeric;
begin
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

-- Checks the settings asked for against a model's schema and fills in the defaults: { settings, issues }.
create function private.resolve_settings(
  p_schema jsonb,
  p_settings jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_specs jsonb := coalesce(p_schema -> 'settings', '{}');
  v_resolved jsonb := '{}';
  v_issues jsonb := '[]';
  v_name text;
  v_value jsonb;
  v_problem text;
begin
  for v_name, v_value in select key, value -> 'default' from jsonb_each(v_specs) where value ? 'default' loop
    v_resolved := v_resolved || jsonb_build_object(v_name, v_value);
  end loop;

  for v_name, v_value in select key, value from jsonb_each(coalesce(p_settings, '{}')) loop
    if not v_specs ? v_name then
      v_problem := 'not a setting of this model, which takes: '
        || coalesce((select string_agg(key, ', ' order by key) from jsonb_object_keys(v_specs) as key), 'none');
    else
      if v_value = '"auto"' and v_specs -> v_name ? 'auto' then
        v_value := v_specs -> v_name -> 'auto';
      end if;
      v_problem := private.setting_problem(v_specs -> v_name, v_value);
      if jsonb_typeof(v_value) = 'number' then
        -- 8.0 is the 8 of the list, and must be sent as 8.
        v_value := to_jsonb(trim_scale((v_value #>> '{}')::numeric));
      end if;
    end if;
    if v_problem is null then
      v_resolved := v_resolved || jsonb_build_object(v_name, v_value);
    else
      v_issues := v_issues || jsonb_build_object('path', 'settings.' || v_name, 'message', v_problem);
    end if;
  end loop;
  return jsonb_build_object('settings', v_resolved, 'issues', v_issues);
end;
$$;

revoke execute on function private.resolve_settings(jsonb, jsonb) from public, anon, authenticated;
grant execute on function private.resolve_settings(jsonb, jsonb) to anon, authenticated, service_role;

-- What a model's own work costs with resolved settings, in credits; pipeline_steps has the prices of the extras.
create function private.price(
  p_model public.models,
  p_settings jsonb
)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_price numeric := coalesce(p_model.cost_per_generation, 0);
  v_factor numeric;
begin
  if p_model.pricing_type = 'per_second' then
    -- What is shorter than the model makes is cut from what it makes.
    v_price := p_model.cost_per_second * greatest(
      (p_settings ->> 'duration')::numeric, (p_model.settings_schema -> 'segments' ->> 'minimum')::numeric);
  end if;
  for v_factor in
    select (spec.value -> 'price_factor' ->> (p_settings ->> spec.key))::numeric
    from jsonb_each(p_model.settings_schema -> 'settings') as spec
    where spec.value -> 'price_factor' ? (p_settings ->> spec.key)
  loop
    v_price := v_price * v_factor;
  end loop;
  return ceil(v_price)::integer;
end;
$$;

revoke execute on function private.price(public.models, jsonb) from public, anon, authenticated;
grant execute on function private.price(public.models, jsonb) to anon, authenticated, service_role;
