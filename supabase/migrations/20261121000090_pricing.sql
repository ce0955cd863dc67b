-- The price of a run of a model, and of a job. All prices come from the catalogue.

-- The price of a model's own runs with resolved settings, in credits; pipeline_steps has the prices of the extras.
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
    -- A length below the model's minimum is cut from a run of the minimum, which is paid for.
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

-- The price of a job in credits: the sum of its steps. It is calculated only here.
create function private.price_of(
  p_steps jsonb
)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return (select sum((step ->> 'credits')::integer)::integer from jsonb_array_elements(p_steps) as step);
end;
$$;

revoke execute on function private.price_of(jsonb) from public, anon, authenticated;
grant execute on function private.price_of(jsonb) to anon, authenticated, service_role;
