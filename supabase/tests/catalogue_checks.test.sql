-- A wrong row of the catalogue is refused when it is written, with its problems.
begin;
select plan(68);

-- Every row of the catalogue is valid.
select is_empty('select name, private.schema_problems(settings_schema) from public.models',
  'every model of the catalogue is valid');
select is_empty('select step, private.step_input_problems(input) from public.pipeline_tools',
  'every tool of the catalogue is valid');
select lives_ok('update public.models set name = name', 'every model can be written again');
select lives_ok('update public.pipeline_tools set step = step', 'every tool can be written again');

-- One fault gives one sentence.
create function pg_temp.problems(p_schema jsonb) returns text language sql as
  $$ select string_agg(problem, '; ') from private.schema_problems(p_schema) as problem $$;
select is(pg_temp.problems(schema), problem, format('%s: %s', schema, problem))
from (values
  ('{}'::jsonb, null),
  ('[]', 'settings_schema must be an object'),
  ('{"setings": {}}', 'settings_schema has "setings", which is not a known key'),
  ('{"settings": []}', 'settings must be an object'),
  ('{"fixed_input": 5}', 'fixed_input must be an object'),
  ('{"prompt": {"input": "text"}, "output": "files.0.url"}', null),
  ('{"prompt": "text"}', 'prompt must be an object; prompt must have a text as input, the provider''s name for it'),
  ('{"prompt": {"input": "text", "required": true}}', 'prompt has "required", which is not a known key'),
  ('{"image_url": {"required": true}}', 'image_url must have a text as input, the provider''s name for it'),
  ('{"image_url": {"input": ""}}', 'image_url must have a text as input, the provider''s name for it'),
  ('{"tail_image_url": {"input": "end", "required": "yes"}}', 'tail_image_url must have true or false as required'),
  ('{"image_url": {"input": "prompt"}}', '"prompt" is the input of more than one of prompt, images and settings'),
  ('{"output": 5.5}', 'output must be names with dots between: the path to the video in the provider''s output'),
  ('{"output": "a..b"}', 'output must be names with dots between: the path to the video in the provider''s output'),
  ('{"segments": {}}', 'segments must have a minimum and a maximum, whole numbers above 0, and the one not above the other; '
    'segments must have an input, the provider''s name for the length; '
    'segments must have a format, a text with {} where the length goes; '
    'segments need settings.duration in whole seconds; segments need image_url, which the part after another begins with'),
  ('{"segments": {"minimum": 3, "maximum": 2, "input": "duration", "format": "{}", "step": 1}, "image_url": {"input": "i"},
    "settings": {"duration": {"values": [1, 2.5]}}}',
    'segments must have a minimum and a maximum, whole numbers above 0, and the one not above the other; '
    'segments need settings.duration in whole seconds; segments have "step", which is not a known key'),
  ('{"settings": {"Seed": {"type": "boolean"}}}', 'settings.Seed must be named in lower case letters, digits and _')
) as faults (schema, problem);

create function pg_temp.of_setting(p_name text, p_spec jsonb) returns text language sql as
  $$ select pg_temp.problems(jsonb_build_object('settings', jsonb_build_object(p_name, p_spec))) $$;
select is(pg_temp.of_setting('style', spec), 'settings.style ' || problem, format('%s: %s', spec, problem))
from (values
  ('{"values": ["a", "b"], "default": "a", "auto": "b", "input": "s", "format": "{}!", "phrases": {"a": "An a."},
    "price_factor": {"b": 1.5}}'::jsonb, null),
  ('{"type": "boolean", "default": true, "price_factor": {"false": 0.5}}', null),
  ('{"vaules": ["a"]}',
    'has "vaules", which is not a known key; settings.style must have either values, the list of all allowed values, or a type'),
  ('5', 'must be an object'),
  ('{"values": ["a"], "type": "text"}', 'must have either values, the list of all allowed values, or a type'),
  ('{"type": "enum"}', 'must have one of these types: integer, number, text, list, boolean'),
  ('{"type": null}', 'must have one of these types: integer, number, text, list, boolean'),
  ('{"values": []}', 'must have texts, numbers or booleans in values, a list of at least one'),
  ('{"values": "a"}', 'must have texts, numbers or booleans in values, a list of at least one'),
  ('{"values": [["a"]]}', 'must have texts, numbers or booleans in values, a list of at least one'),
  ('{"type": "integer"}',
    'must have a number as minimum, because its type is integer; settings.style must have a number as maximum, because its type is integer'),
  ('{"type": "number", "minimum": 0, "maximum": "9"}', 'must have a number as maximum, because its type is number'),
  ('{"type": "integer", "minimum": 0.5, "maximum": 9}', 'must have a whole number as minimum'),
  ('{"type": "number", "minimum": 9, "maximum": 0}', 'has bounds that no value can meet'),
  ('{"type": "text"}', 'must have a number as max_length, because its type is text'),
  ('{"type": "text", "max_length": 0}', 'has bounds that no value can meet'),
  ('{"type": "list"}', 'must have a number as max_items, because its type is list'),
  ('{"type": "boolean", "minimum": 0}', 'must not have minimum, which does not belong to boolean'),
  ('{"values": ["a"], "max_length": 5}', 'must not have max_length, which does not belong to values'),
  ('{"values": ["a", "b"], "default": "c"}', 'has "c" as default, which must be one of: a, b'),
  ('{"values": ["a"], "auto": "c"}', 'has "c" as auto, which must be one of: a'),
  ('{"type": "integer", "minimum": 0, "maximum": 9, "default": 10}',
    'has 10 as default, which must be a whole number from 0 to 9'),
  ('{"values": ["a"], "input": 5}', 'must have a text as input, the provider''s name for it'),
  ('{"values": ["a"], "input": "s", "format": "s"}', 'must have a text with {} as format, where the value goes'),
  ('{"values": ["a"], "format": "{}s"}', 'has a format, but no input, the name that it is sent under'),
  ('{"values": ["a"], "phrases": {"b": "A b."}}', 'has a phrases for "b", which is not one of its values'),
  ('{"values": ["a"], "phrases": {"a": 5}}', 'must have a text for each of its phrases'),
  ('{"values": ["a"], "price_factor": {"b": 2}}', 'has a price_factor for "b", which is not one of its values'),
  ('{"values": ["a"], "price_factor": 2}', 'must have an object as price_factor'),
  ('{"values": ["a"], "price_factor": {"a": 0}}', 'must have a number above 0 for each price_factor'),
  ('{"values": ["a"], "price_factor": {"a": -1}}', 'must have a number above 0 for each price_factor'),
  ('{"values": ["a"], "price_factor": {"a": "2"}}', 'must have a number above 0 for each price_factor')
) as faults (spec, problem);

-- Settings with which the procedures calculate.
select is(pg_temp.of_setting(name, spec), problem, format('%s %s: %s', name, spec, problem))
from (values
  ('duration', '{"values": ["8s"]}'::jsonb, 'settings.duration must be numbers above 0'),
  ('duration', '{"values": [0, 4]}', 'settings.duration must be numbers above 0'),
  ('duration', '{"type": "integer", "minimum": 0, "maximum": 9}', 'settings.duration must be numbers above 0'),
  ('fps', '{"type": "text", "max_length": 9}', 'settings.fps must be numbers above 0'),
  ('enable_music', '{"values": ["yes"]}', 'settings.enable_music must be of the type boolean'),
  ('music_volume', '{"type": "integer", "minimum": 0, "maximum": 200}',
  'settings.music_volume must be numbers from 0 to 100')
) as faults (name, spec, problem);

-- What an operator sees who adds a model.
create function pg_temp.add_model(p_category text, p_schema jsonb) returns void language sql as $$
  insert into public.models (name, category, provider, provider_model_id, pricing_type, cost_per_second, settings_schema)
  values ('New', p_category, 'fal', 'fal-ai/new', 'per_second', 1, p_schema)
$$;
select throws_ok(
  $$ select pg_temp.add_model('text-to-video', '{"settings": {"duration": {"vaules": [5], "default": 5}}}') $$, '23514',
  'The model "New" is not valid: settings.duration has "vaules", which is not a known key; '
  'settings.duration must have either values, the list of all allowed values, or a type; '
  'settings.duration must be numbers above 0',
  'an invalid model is refused with all its problems');
select throws_ok(
  $$ select pg_temp.add_model('transition', '{"settings": {"duration": {"values": [5], "default": 5}}}') $$, '23514',
  'The model "New" is not valid: transition needs image_url; transition needs tail_image_url',
  'a model without the images of its category is refused');
select throws_ok(
  $$ select pg_temp.add_model('text-to-video', '{"image_url": {"input": "i", "required": true},
    "settings": {"duration": {"values": [5], "default": 5}}}') $$, '23514',
  'The model "New" is not valid: text-to-video cannot require an image',
  'a model that requires more than its category is refused');
select lives_ok(
  $$ select pg_temp.add_model('text-to-video', '{"settings": {"duration": {"values": [5], "default": 5}}}') $$,
  'a valid model can be inserted without an id');
select throws_ok(
  $$ update public.models set settings_schema = '{"settings": 5}' where name = 'New' $$, '23514', null,
  'a change that makes a model invalid is refused');

-- The input of a step.
select throws_ok(
  format('update public.pipeline_tools set input = %L where step = %L', input, 'music'), '23514',
  'The input of fal for the step "music" is not valid: ' || problem, input || ' is refused')
from (values
  ('[]', 'input must be an object'),
  ('{"a": {"from": 5}}', '{"from": 5} must have only a text as "from", and "choices" if needed'),
  ('{"a": [{"choices": {"x": 1}}]}', '{"choices": {"x": 1}} must have "from" beside "choices"'),
  ('{"a": {"artifact": "music", "format": "mp3"}}',
    '{"format": "mp3", "artifact": "music"} must have only a text as "artifact"')
) as faults (input, problem);
select * from finish();
rollback;
