-- Which transitions are made, and by which model.
begin;
select plan(11);
\ir support/extras.psql

-- What is refused.
update public.pipeline_steps set is_available = false where name = 'voiceover';
select is(
  pg_temp.start_transition('off', pg_temp.sounding()),
  '{"outcome": "validation_failed", "issues": [
    {"path": "settings.enable_voiceover", "message": "must be false: it is not available at the moment"}]}',
  'an unavailable voiceover is refused with the name of its setting');
select throws_ok(
  format('select public.quote_generation(%L, %L)', id, pg_temp.sounding()), 'PGRST', null,
  'an unavailable voiceover has no price')
from public.models where category = 'transition' and settings_schema -> 'settings' ? 'enable_voiceover' limit 1;
select is(pg_temp.start_transition('off',
  '{"enable_music": true}') ->> 'outcome', 'created', 'music is accepted while the voiceover is unavailable');

-- Which model.
create function pg_temp.start_with(p_name text, p_request jsonb) returns jsonb language sql as $$
  select pg_temp.start(p_name, '{"image_url": "https://example.com/1.png", "tail_image_url": "https://example.com/2.png"}'
    || p_request)
$$;
select is(
  pg_temp.start_with('kinds',
  '{"kind": "transition", "model_id": "00000000-0000-4000-8000-000000000005"}') ->> 'outcome',
  'model_not_found', 'a transition is made by models of transitions only');
select is(
  pg_temp.start_with('kinds', jsonb_build_object('model_id', (pg_temp.model()).id)) ->> 'outcome', 'created',
  'a model of transitions makes generations too');
select is(
  pg_temp.start_with('no tail', jsonb_build_object('model_id', (pg_temp.model()).id, 'tail_image_url', null))
    #>> '{issues,0,path}', 'tail_image', 'a model of transitions needs both images');
select is(
  pg_temp.start_with('featured', '{"kind": "transition", "model_id": null}') ->> 'outcome', 'created',
  'a transition need not name its model');
select is(
  (select model_id from public.video_jobs where node_id = 'featured'), (pg_temp.model()).id,
  'a transition without a model gets the featured one');
select pg_temp.start('text', '{"model_id": null}'),
  pg_temp.start('image', '{"model_id": null, "image_url": "https://example.com/1.png"}');
select is(
  array(select models.name from public.video_jobs join public.models on models.id = model_id
    where node_id in ('text', 'image') order by node_id),
  array['Veo 3.1 Fast (image)', 'Veo 3.1 Fast'], 'a generation without a model gets the default one of its category');
update public.models set is_default = false;
select pg_temp.start('undecided', '{"model_id": null}');
select is(
  (select models.name from public.video_jobs join public.models on models.id = model_id where node_id = 'undecided'),
  'Kling 3 Standard', 'and the featured one where the operator chose none');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
