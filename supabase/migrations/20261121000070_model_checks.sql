-- Checks of a model's row, which is written by hand: an insert or update with faults is refused, with one sentence for
-- each fault. docs/models.md describes the format.

-- Faults in `segments`, the lengths that one run of the model can make.
create function private.segments_problems(
  p_schema jsonb
)
returns setof text
language sql
immutable
security invoker
set search_path = ''
as $$
  select problem
  from (values
    ('segments must have a minimum and a maximum, whole numbers above 0, and the one not above the other',
      (p_schema @? 'strict $.segments ? (@.minimum.type() == "number" && @.maximum.type() == "number"
        && @.minimum > 0 && @.minimum <= @.maximum
        && @.minimum == @.minimum.floor() && @.maximum == @.maximum.floor())')),
    ('segments must have an input, the provider''s name for the length',
      private.is_name(p_schema #> '{segments,input}')),
    ('segments must have a format, a text with {} where the length goes',
      coalesce(p_schema #>> '{segments,format}' like '%{}%', false)),
    ('segments need settings.duration in whole seconds',
      coalesce(p_schema #>> '{settings,duration,type}' = 'integer' or (p_schema @? 'strict $.settings.duration.values ?
        (!(exists (@[*] ? (@.type() != "number" || @ != @.floor()))))'), false)),
    ('segments need image_url, which the part after another begins with', p_schema ? 'image_url')
  ) as rules (problem, holds)
  where p_schema ? 'segments' and not coalesce(holds, false)
  union all
  select format('segments have "%s", which is not a known key', key)
  from jsonb_object_keys(case jsonb_typeof(p_schema -> 'segments') when 'object' then p_schema -> 'segments' else '{}' end)
    as key
  where key not in ('minimum', 'maximum', 'input', 'format');
$$;

revoke execute on function private.segments_problems(jsonb) from public, anon, authenticated;
grant execute on function private.segments_problems(jsonb) to service_role;

-- Faults in how the prompt and the images are sent to the provider.
create function private.place_problems(
  p_schema jsonb
)
returns setof text
language sql
immutable
security invoker
set search_path = ''
as $$
  select place || ' ' || problem
  from unnest('{prompt,image_url,tail_image_url}'::text[]) as place,
    lateral (select p_schema -> place as spec) as given,
    lateral (
      select 'must be an object' as problem where jsonb_typeof(spec) <> 'object'
      union all
      select 'must have a text as input, the provider''s name for it' where not private.is_name(spec -> 'input')
      union all
      select 'must have true or false as required' where jsonb_typeof(spec -> 'required') <> 'boolean'
      union all
      select format('has "%s", which is not a known key', key)
      from jsonb_object_keys(case jsonb_typeof(spec) when 'object' then spec else '{}' end) as key
      where key <> 'input' and not (key = 'required' and place <> 'prompt')) as problems
  where p_schema ? place;
$$;

revoke execute on function private.place_problems(jsonb) from public, anon, authenticated;
grant execute on function private.place_problems(jsonb) to service_role;

-- All faults of a model's settings_schema, one sentence each; no rows when there are none.
create function private.schema_problems(
  p_schema jsonb
)
returns setof text
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_settings jsonb := case jsonb_typeof(p_schema -> 'settings') when 'object' then p_schema -> 'settings' else '{}' end;
  v_name text;
  v_spec jsonb;
begin
  if jsonb_typeof(p_schema) <> 'object' then
    return next 'settings_schema must be an object';
    return;
  end if;
  return query select format('settings_schema has "%s", which is not a known key', key)
    from jsonb_object_keys(p_schema) as key
    where key <> all ('{prompt,image_url,tail_image_url,fixed_input,segments,output,settings}');
  return query select format('%s must be an object', key) from jsonb_each(p_schema)
    where key in ('fixed_input', 'settings', 'segments') and jsonb_typeof(value) <> 'object';
  return query select private.place_problems(p_schema);
  if p_schema ? 'output' and not (private.is_name(p_schema -> 'output') and p_schema ->> 'output' ~ '^[^.]+(\.[^.]+)*$') then
    return next 'output must be names with dots between: the path to the video in the provider''s output';
  end if;
  for v_name, v_spec in select key, value from jsonb_each(v_settings) loop
    if v_name !~ '^[a-z][a-z0-9_]{0,63}$' then
      return next format('settings.%s must be named in lower case letters, digits and _', v_name);
    end if;
    return query select format('settings.%s %s', v_name, problem) from private.spec_form_problems(v_spec) as problem;
    if not exists (select from private.spec_form_problems(v_spec)) then
      return query select format('settings.%s %s', v_name, problem) from private.spec_use_problems(v_spec) as problem;
    end if;
  end loop;
  return query select private.reserved_setting_problems(v_settings);
  return query select private.segments_problems(p_schema);
  return query select format('"%s" is the input of more than one of prompt, images and settings', input)
    from (
      select value ->> 'input' as input from jsonb_each(v_settings) where jsonb_typeof(value) = 'object'
      union all select p_schema #>> array[place, 'input'] from unnest('{image_url,tail_image_url}'::text[]) as place
      union all select coalesce(p_schema #>> '{prompt,input}', 'prompt')) as inputs
    where input is not null group by input having count(*) > 1;
end;
$$;

revoke execute on function private.schema_problems(jsonb) from public, anon, authenticated;
grant execute on function private.schema_problems(jsonb) to service_role;

-- Refuses a model whose settings_schema has faults or lacks what its category needs.
create function private.check_model()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_problems text;
begin
  select string_agg(problem, '; ') into v_problems
  from (
    select private.schema_problems(new.settings_schema) as problem
    union all
    select format('%s needs %s', new.category, place)
    from (values ('image-to-video', 'image_url'), ('transition', 'image_url'), ('transition', 'tail_image_url'))
      as needs (category, place)
    where needs.category = new.category and not new.settings_schema ? place
    union all
    select 'text-to-video cannot require an image' where new.category = 'text-to-video'
      and (
      new.settings_schema @> '{"image_url": {"required": true}}'
      or new.settings_schema @> '{"tail_image_url": {"required": true}}')
  ) as problems;
  if v_problems is not null then
    raise exception 'The model "%" is not valid: %', new.name, v_problems
      using errcode = 'check_violation', hint = 'docs/models.md describes settings_schema.';
  end if;
  return new;
end;
$$;

revoke execute on function private.check_model() from public, anon, authenticated;

create trigger model_fits before insert or update on public.models
  for each row execute function private.check_model();
