begin;
select plan(51);

-- A quote, or the error of the Data API: { code, message, details, status, headers }.
create function pg_temp.quote(p_model_id uuid, p_settings jsonb) returns jsonb language plpgsql as $$
declare
  v_message text;
  v_detail text;
begin
  return public.quote_generation(p_model_id, p_settings);
exception when sqlstate 'PGRST' then
  get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail;
  return v_message::jsonb || v_detail::jsonb;
end;
$$;
-- The issues of the settings.
create function pg_temp.issues(p_quote jsonb) returns jsonb language sql as
  $$ select (p_quote ->> 'details')::jsonb -> 'issues' where p_quote -> 'code' = '"validation_failed"' $$;

-- The catalogue.
select isnt_empty('select from public.models where is_available', 'there are models to test');
select is_empty(
  $$ select name, issues from public.models, jsonb_extract_path(
    private.resolve_settings(settings_schema, '{}'), 'issues') as issues where issues <> '[]' $$,
  'every model accepts a request without settings');
select is_empty(
  $$ select name, setting, private.setting_problem(spec, spec -> field) as problem
    from public.models, jsonb_each(settings_schema -> 'settings') as settings (setting, spec),
      unnest(array['default', 'auto']) as field
    where spec ? field and private.setting_problem(spec, spec -> field) is not null $$,
  'every default and every value of auto is allowed by its model');
select is_empty(
  $$ select name from public.models
    where private.price(models, private.resolve_settings(settings_schema, '{}') -> 'settings') <= 0 $$,
  'every model has a price');
select is_empty(
  $$ select name, setting, value
    from public.models, jsonb_each(settings_schema -> 'settings') as settings (setting, spec),
      jsonb_object_keys(spec -> 'price_factor') as value
    where not exists (
      select from jsonb_array_elements_text(coalesce(spec -> 'values', '[true, false]')) as allowed
      where allowed = value) $$,
  'every price factor belongs to a value of its setting');
select is_empty(
  $$ select name from public.models where category = 'image-to-video'
    and not coalesce(
      settings_schema -> 'image_url' @> '{"required": true}' and settings_schema -> 'image_url' ? 'input', false) $$,
  'every image-to-video model requires an image');
select is_empty(
  $$ select name from public.models where not is_available
    and pg_temp.quote(id, '{}') ->> 'code' is distinct from 'model_not_found' $$,
  'an unavailable model has no price');

-- Requests of the products that Reelmint serves, against the available models.
select isnt_empty(format(
  $$ select from public.models, private.resolve_request(models, %L, %L) as request
    where is_available and request -> 'issues' = '[]' $$, settings, image_url is not null),
  format('some model makes %s %s', settings, case when image_url is null then 'from text' else 'from an image' end))
from (values
  ('{"duration": 15, "resolution": "720p", "fps": 30}', null),
  ('{"duration": 4, "resolution": "720p", "aspect_ratio": "16:9"}', null),
  ('{"duration": 8, "resolution": "720p", "aspect_ratio": "16:9"}', null),
  ('{"duration": 12, "resolution": "720p", "aspect_ratio": "16:9"}', null),
  ('{"duration": 8, "resolution": "1080p"}', 'https://example.com/image.png'),
  ('{"duration": 8, "resolution": "1080p", "aspect_ratio": "16:9"}', 'https://example.com/image.png'),
  ('{"duration": 4, "resolution": "auto", "aspect_ratio": "auto"}', 'https://example.com/image.png')
) as example (settings, image_url);

-- A model with a setting of every kind.
insert into public.models (
  id, name, category, provider, provider_model_id, pricing_type, cost_per_second, settings_schema)
values ('00000000-0000-4000-8000-000000000001', 'Test', 'text-to-video', 'fal', 'test', 'per_second', 3, '{
  "fixed_input": { "enhance": false },
  "prompt": { "input": "text" },
  "image_url": { "input": "start_image" },
  "settings": {
    "duration": { "values": [4, 8], "default": 4, "auto": 8, "input": "seconds", "format": "{}s" },
    "resolution": { "values": ["720p", "4k"], "default": "720p", "input": "resolution", "price_factor": { "4k": 1.5 } },
    "fps": { "values": [30], "default": 30 },
    "seed": { "type": "integer", "minimum": 0, "maximum": 100, "input": "seed" },
    "cfg": { "type": "number", "minimum": 0, "maximum": 1, "input": "cfg_scale" },
    "negative_prompt": { "type": "text", "max_length": 5, "input": "avoid" },
    "generate_audio": { "type": "boolean", "default": true, "input": "audio", "price_factor": { "false": 0.7 } }
  } }');

create function pg_temp.quote(p_settings jsonb) returns jsonb language sql as
  $$ select pg_temp.quote('00000000-0000-4000-8000-000000000001', p_settings) $$;

select is(
  pg_temp.quote('{}'),
  '{"model_id": "00000000-0000-4000-8000-000000000001", "credits": 12,
    "settings": {"duration": 4, "resolution": "720p", "fps": 30, "generate_audio": true}}',
  'a quote has the price and the resolved settings');
select is(pg_temp.quote(null) -> 'credits', '12', 'a quote without settings is for the defaults');
select is(pg_temp.quote(settings) -> 'credits', to_jsonb(credits), format('%s costs %s', settings, credits))
from (values
  ('{"duration": 8}'::jsonb, 24),
  ('{"duration": "auto"}', 24),
  ('{"resolution": "4k"}', 18),
  -- 3 × 4 × 0.7 = 8.4, rounded up.
  ('{"generate_audio": false}', 9),
  ('{"duration": 8, "resolution": "4k", "generate_audio": false}', 26),
  ('{"seed": 0, "cfg": 0.5, "negative_prompt": "blur", "fps": 30}', 12)
) as priced (settings, credits);
select is(
  pg_temp.quote('{"duration": 8.0}') #>> '{settings,duration}', '8', '8.0 is the value 8 of a list');
select is(
  pg_temp.quote('{"seed": 7.0}') #>> '{settings,seed}', '7', 'a whole number 7.0 is sent as 7');

select is(
  pg_temp.issues(pg_temp.quote(jsonb_build_object(setting, value))),
  jsonb_build_array(jsonb_build_object('path', 'settings.' || setting, 'message', message)),
  format('%s %s %s', setting, value, message))
from (values
  ('duration', '5'::jsonb, 'must be one of: 4, 8, auto'),
  ('duration', '"8"', 'must be one of: 4, 8, auto'),
  ('duration', '[8]', 'must be one of: 4, 8, auto'),
  ('duration', 'null', 'must be one of: 4, 8, auto'),
  ('resolution', '"auto"', 'must be one of: 720p, 4k'),
  ('fps', '24', 'must be one of: 30'),
  ('seed', '1.5', 'must be a whole number from 0 to 100'),
  ('seed', '101', 'must be a whole number from 0 to 100'),
  ('seed', '"1"', 'must be a whole number from 0 to 100'),
  ('cfg', '-0.1', 'must be a number from 0 to 1'),
  ('negative_prompt', '"123456"', 'must be text of at most 5 characters'),
  ('generate_audio', '"true"', 'must be true or false'),
  ('steps', '30',
    'not a setting of this model, which takes: cfg, duration, fps, generate_audio, negative_prompt, resolution, seed')
) as refused (setting, value, message);
select is(
  jsonb_array_length(pg_temp.issues(pg_temp.quote('{"duration": 5, "steps": 30, "seed": -1}'))), 3,
  'all issues are reported at once');

-- Every visitor may ask for a price: very large settings are refused before any other work.
create function pg_temp.many(p_count integer, p_value jsonb default '1') returns jsonb language sql as
  $$ select jsonb_object_agg('setting_' || lpad(place::text, 5,
  '0'), p_value) from generate_series(1, p_count) as place $$;
select is(
  pg_temp.issues(pg_temp.quote(settings)),
  jsonb_build_array(jsonb_build_object('path', path, 'message', message)), message || ', ' || path)
from (values
  (pg_temp.many(41), 'settings', 'must have at most 40 settings'),
  (pg_temp.many(3, to_jsonb(repeat('x', 100000))), 'settings', 'must be smaller than 256 KiB'),
  (jsonb_build_object('negative_prompt', repeat('x', 140000)), 'settings.negative_prompt',
  'must be smaller than 128 KiB')
) as refused (settings, path, message);
select is(
  jsonb_array_length(pg_temp.issues(pg_temp.quote(pg_temp.many(40)))), 40, 'forty unknown settings are reported, each');
select is(
  array(select issue ->> 'message' from jsonb_array_elements(pg_temp.issues(pg_temp.quote(pg_temp.many(3)))) as issue),
  array['not a setting of this model, which takes: cfg, duration, fps, generate_audio, negative_prompt, resolution, seed',
    'not a setting of this model', 'not a setting of this model'],
  'the settings of the model are listed once');
select is(
  pg_temp.issues(pg_temp.quote(jsonb_build_object(repeat('n', 5000), 1))) #>> '{0,path}', 'settings.' || repeat('n', 64),
  'a very long name is cut in the issue');
select is(
  pg_temp.issues(pg_temp.quote('[]')) #>> '{0,message}', 'must be an object', 'settings must be an object');
select is(
  pg_temp.quote('00000000-0000-4000-8000-00000000dead', '{}'),
  '{"code": "model_not_found", "message": "Model not found", "details": null, "hint": null, "status": 404, "headers": {}}',
  'an unknown model has no price');
select is(pg_temp.quote('{"steps": 30}') - 'details',
  '{"code": "validation_failed", "status": 400, "hint": null, "headers": {},
    "message": "Some fields are invalid: see the issues in details, correct them and send the request again"}',
  'invalid settings are an error with status 400');

-- What is sent to the provider.
select is(
  private.generation_steps(models, 'a cat', '"https://example.com/cat.png"', null,
    '{"duration": 8, "resolution": "4k", "fps": 30, "generate_audio": false}') #> '{0,input}',
  '{"enhance": false, "text": "a cat", "start_image": "https://example.com/cat.png",
    "seconds": "8s", "resolution": "4k", "audio": false}',
  'the provider gets the names, formats and fixed inputs of its model, and no other field')
from public.models where name = 'Test';
select is(
  private.provider_input(settings_schema, 'a cat', '{"duration": 8}') -> 'duration', sent,
  format('%s is asked for 8 seconds as %s', name, sent))
from public.models join (values
  ('fal-ai/veo3.1', '"8s"'::jsonb), ('fal-ai/kling-video/v3/standard/text-to-video', '"8"'),
  ('fal-ai/wan/v2.7/image-to-video', '8')) as expected (provider_model_id, sent) using (provider_model_id)
order by provider_model_id;

select * from finish();
rollback;
