begin;
select plan(156);

create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as
  $$ select current_setting('test.now')::timestamptz $$;
set local test.now = '2030-01-01 12:00:00+00';

-- Prices of which each sum tells what is in it.
update public.pipeline_steps set credits = 0;
update public.pipeline_steps set credits = price
from (values
  ('voiceover', 100), ('music', 200), ('loudness', 400), ('mix', 800), ('trim', 1600), ('join', 3200)
) as prices (step, price)
where name = step;

insert into auth.users (id, email, email_confirmed_at) values ('00000000-0000-4000-8000-00000000000a', 'a@example.com', now());
select public.add_credits('00000000-0000-4000-8000-00000000000a', 99980, 'purchase');
update public.models set is_featured = false where category = 'transition';
insert into public.models (
  id, name, category, provider, provider_model_id, pricing_type, cost_per_second, settings_schema,
  typical_seconds, start_within_seconds, max_run_seconds, is_featured)
select
  format('00000000-0000-4000-8000-00000000000%s', number)::uuid, 'Test ' || number, category, 'fal', 'test',
  'per_second', 1, schema::jsonb, 100, 900, 900, number = 1
from (values
  (1, 'transition', '{
    "image_url": { "input": "first", "required": true },
    "tail_image_url": { "input": "last", "required": true },
    "segments": { "minimum": 3, "maximum": 15, "input": "length", "format": "{}s" },
    "settings": {
      "duration": { "type": "integer", "minimum": 1, "maximum": 60, "default": 5 },
      "style": { "values": ["FADE", "PLAIN"], "default": "PLAIN", "phrases": { "FADE": "It fades." } },
      "enable_music": { "type": "boolean", "default": false },
      "music_type": { "values": ["ambient", "calm"], "default": "calm" },
      "music_volume": { "type": "integer", "minimum": 0, "maximum": 100, "default": 50 },
      "enable_voiceover": { "type": "boolean", "default": false },
      "voice_type": { "values": ["male", "neutral"], "default": "neutral" },
      "voiceover_text": { "type": "text", "max_length": 100 },
      "deliver_without": { "type": "list", "max_items": 2, "default": [] }
    } }'),
  (2, 'text-to-video', '{ "settings": { "duration": { "values": [4, 31], "default": 4, "input": "seconds" } } }')
) as models (number, category, schema);

create function pg_temp.model() returns public.models language sql as
  $$ select models from public.models where id = '00000000-0000-4000-8000-000000000001' $$;
create function pg_temp.names(p_steps jsonb) returns text language sql as $$
  select string_agg(step ->> 'name', ' ' order by place)
  from jsonb_array_elements(p_steps) with ordinality as steps (step, place)
$$;
create function pg_temp.field(p_steps jsonb, p_name text, p_field text) returns jsonb language sql as
  $$ select step -> p_field from jsonb_array_elements(p_steps) as step where step ->> 'name' = p_name $$;
create function pg_temp.inputs(p_steps jsonb, p_field text) returns jsonb language sql as $$
  select jsonb_agg(step -> 'input' -> p_field order by place)
  from jsonb_array_elements(p_steps) with ordinality as steps (step, place) where step ->> 'name' like 'generate%'
$$;

-- Templates.
select is(
  private.render('{"a": {"from": "x"}, "list": [1, {"deep": {"from": "y"}}, "z"]}', '{"x": "text", "y": [1, 2]}'),
  '{"a": "text", "list": [1, {"deep": [1, 2]}, "z"]}', 'a value takes the place of its name, as deep as it stands');
select is(
  private.render('{"voice": {"from": "who", "choices": {"he": "am_1", "she": "af_2"}}}', '{"who": "she"}'),
  '{"voice": "af_2"}', 'what a value means to the provider is told by the choices');
select is(
  private.render('{"video": {"artifact": "video"}, "none": {}, "empty": []}', '{"artifact": "x"}'),
  '{"video": {"artifact": "video"}, "none": {}, "empty": []}', 'what is made later stays until it is there');
select is(
  private.render('{"text": {"from": "text"}}', '{"text": {"from": "secret"}, "secret": 1}'),
  '{"text": {"from": "secret"}}', 'a value that looks like a template is not filled in turn');
select is(private.render('{"a": {"from": "x"}}', '{}'), '{"a": null}', 'a value that nobody gave is null');

-- The picture: one run, several, or one that is cut.
create function pg_temp.picture(p_settings jsonb) returns jsonb language sql as $$
  select private.generation_steps(pg_temp.model(), 'a cat', '"https://example.com/1.png"', '{"input_file": "a/2.png"}',
    private.resolve_settings((pg_temp.model()).settings_schema, p_settings) -> 'settings')
$$;
select is(
  pg_temp.picture('{"style": "FADE"}'),
  '[{"name": "generate", "provider": "fal", "model": "test", "produces": "video_url", "credits": 5, "parts": [],
    "optional": false, "makes_video": true, "typical_seconds": 100, "max_run_seconds": 900, "input": {
      "prompt": "a cat It fades.", "first": "https://example.com/1.png", "last": {"input_file": "a/2.png"},
      "length": "5s"}}]',
  'a length that the model makes is one run, from the first image to the last');
select is(
  pg_temp.names(pg_temp.picture(jsonb_build_object('duration', seconds))), names,
  format('%s s are made by %s', seconds, names))
from (values
  (1, 'generate trim'), (2, 'generate trim'), (3, 'generate'), (15, 'generate'),
  (16, 'generate_1 frame_1 generate_2 join'),
  (31, 'generate_1 frame_1 generate_2 frame_2 generate_3 join')) as examples (seconds, names);
create temp table long as select pg_temp.picture('{"duration": 31}') as steps;
select is(
  pg_temp.inputs(steps, 'length'), '["10s", "10s", "11s"]', 'a long video is made of runs that add up to its length')
from long;
select is_empty(
  $$ select seconds from generate_series(1, 60) as seconds,
      lateral (
        select pg_temp.inputs(pg_temp.picture(jsonb_build_object('duration', seconds)), 'length') as lengths) as runs,
      lateral (
        select sum(rtrim(length, 's')::integer) as total, min(rtrim(length, 's')::integer) as shortest,
          max(rtrim(length, 's')::integer) as longest
        from jsonb_array_elements_text(lengths) as length) as found
    where total <> greatest(seconds, 3) or shortest < 3 or longest > 15 $$,
  'every length is made of runs that the model makes, and they add up to it');
select is(
  pg_temp.inputs(steps, 'first'), '["https://example.com/1.png", {"artifact": "frame_1"}, {"artifact": "frame_2"}]',
  'the first run begins with the first image, each other with the last frame of the one before') from long;
select is(pg_temp.field(steps, 'frame_2', 'input'), '{"video_url": {"artifact": "generate_2"}, "frame_type": "last"}',
  'which is taken from that run''s own video') from long;
select is(pg_temp.inputs(steps, 'last'), '[null, null, {"input_file": "a/2.png"}]',
  'only the last run ends with the last image') from long;
select is(
  pg_temp.field(steps, 'join', 'input'),
  '{"video_urls": [{"artifact": "generate_1"}, {"artifact": "generate_2"}, {"artifact": "generate_3"}]}',
  'and all are joined in their order') from long;
select is_empty(
  $$ select step from long, jsonb_array_elements(steps) as step
    where (step ->> 'optional')::boolean or step -> 'parts' <> '[]' $$,
  'no run of a picture can be left out');
select is(private.price_of(steps), 3231, 'the runs cost what the whole length costs, once') from long;
create temp table short as select pg_temp.picture('{"duration": 1}') as steps;
select is(pg_temp.inputs(steps, 'length'), '["3s"]', 'a length below the model''s shortest is made as the shortest')
from short;
select is(
  pg_temp.field(steps, 'trim', 'input'), '{"video_url": {"artifact": "video"}, "start_time": 0, "end_time": 1}',
  'and cut to what was asked for') from short;
select is(private.price_of(steps), 1603, 'it costs what the shortest costs') from short;
select is(
  private.generation_steps(models, 'a cat', null, null, '{"duration": 31}') #> '{0,input}',
  '{"prompt": "a cat", "seconds": 31}', 'a model that makes every length itself is asked for it')
from public.models where name = 'Test 2';

-- The sound.
create function pg_temp.sound(p_settings jsonb) returns jsonb language sql as $$
  select (sound -> 'before') || (sound -> 'after') from private.sound_steps(
    private.resolve_settings((pg_temp.model()).settings_schema, p_settings) -> 'settings') as sound
$$;
-- With a voice and music; without those that are named.
create function pg_temp.sounding(p_spare text default '[]') returns jsonb language sql as $$
  select format('{"enable_voiceover": true, "voiceover_text": "Hello", "enable_music": true, "deliver_without": %s}',
    p_spare)::jsonb
$$;
create temp table sounds as select name, pg_temp.sound(settings) as steps
from (values
  ('none', '{}'::jsonb),
  ('voice', '{"enable_voiceover": true, "voiceover_text": "Hello", "voice_type": "male"}'),
  ('music', '{"enable_music": true, "duration": 7}'),
  ('both', pg_temp.sounding()),
  ('spare music', pg_temp.sounding('["music"]')),
  ('spare voice', pg_temp.sounding('["voiceover"]')),
  ('spare both', pg_temp.sounding('["music", "voiceover"]')),
  ('spare only', '{"enable_music": true, "deliver_without": ["music"]}')
) as examples (name, settings);
create function pg_temp.sound_of(p_name text) returns jsonb language sql as
  $$ select steps from sounds where name = p_name $$;
create function pg_temp.optional(p_steps jsonb) returns text language sql as $$
  select coalesce(string_agg(step ->> 'name', ' ' order by place) filter (where (step ->> 'optional')::boolean), '')
  from jsonb_array_elements(p_steps) with ordinality as steps (step, place)
$$;
select is(pg_temp.sound_of('none'), '[]', 'a video without sound has no steps for it');
select is(pg_temp.names(pg_temp.sound_of('voice')), 'voiceover mix', 'a voice is spoken and mixed');
select is(
  pg_temp.field(pg_temp.sound_of('voice'), 'voiceover', 'input'), '{"prompt": "Hello", "voice": "am_michael"}',
  'it is the voice that was chosen, with the text');
select is(
  pg_temp.names(pg_temp.sound_of('music')), 'music loudness mix',
  'music is composed, brought to its volume and mixed');
select is(
  pg_temp.field(pg_temp.sound_of('music'), 'music', 'input') -> 'seconds_total', '7', 'it is as long as the video');
select is(
  pg_temp.field(pg_temp.sound_of('music'), 'mix', 'input') #> '{tracks,1}',
  '{"id": "music", "type": "audio", "keyframes": [
    {"timestamp": 0, "duration": 7000, "url": {"artifact": "loudness"}}]}',
  'and what is mixed is the music at its volume');
select is(pg_temp.names(pg_temp.sound_of('both')), 'voiceover music loudness mix', 'voice and music are mixed at once');
select is(
  (select jsonb_agg(track -> 'id')
    from jsonb_array_elements(pg_temp.field(pg_temp.sound_of('both'), 'mix', 'input') -> 'tracks') as track),
  '["video", "voiceover", "music"]', 'with the picture');
select is(pg_temp.sound('{"enable_music": true, "music_volume": 0}'), '[]', 'music at no volume is none');
select is(
  pg_temp.names(pg_temp.sound(pg_temp.sounding() || '{"music_volume": 0}')), 'voiceover mix',
  'next to a voice neither');
select is(
  private.price_of(pg_temp.sound(pg_temp.sounding() || '{"music_volume": 0}')), 900, 'and it is not charged');
select is(private.loudness_of(volume), lufs, format('a volume of %s is %s LUFS', volume, lufs))
from (values (100, -14.0), (50, -20.0), (1, -54.0)) as examples (volume, lufs);
select is(
  pg_temp.field(pg_temp.sound_of('music'), 'loudness', 'input'),
  '{"audio_url": {"artifact": "music"}, "integrated_loudness": -20}',
  'the music is brought to the loudness of its volume');
select is(
  pg_temp.optional(pg_temp.sound_of(name)), optional, format('%s: the video may do without "%s"', name, optional))
from (values
  ('both', ''), ('spare music', 'music loudness'), ('spare voice', 'voiceover'),
  ('spare both', 'voiceover music loudness mix'), ('spare only', 'music loudness mix')) as examples (name, optional);
select is(
  pg_temp.field(pg_temp.sound_of('spare music'), 'mix', 'parts'), '["voiceover", "music"]',
  'a mix is there for all its parts');

-- The thumbnail, and the price.
create function pg_temp.all_steps(p_settings jsonb) returns jsonb language sql as $$
  select private.build_steps(pg_temp.model(), 'a cat', '"1"', '"2"',
    private.resolve_settings((pg_temp.model()).settings_schema, p_settings) -> 'settings')
$$;
select is(
  pg_temp.names(pg_temp.all_steps('{"duration": 1, "enable_music": true}')),
  'music loudness generate trim mix thumbnail',
  'what can be refused and costs little comes before the picture, is laid under all of it, and the thumbnail comes last');
select is(
  (select string_agg(step ->> 'name', ' ' order by place)
    from jsonb_array_elements(pg_temp.all_steps(pg_temp.sounding() || '{"duration": 31}')) with ordinality as steps (step, place)
    where (step ->> 'makes_video')::boolean),
  'generate_1 generate_2 generate_3', 'the runs of the model itself are marked: after the last the video is made');
select is(
  array(select private.is_making_video(pg_temp.all_steps('{"duration": 16, "enable_music": true}'), step)
    from generate_series(0, 8) as step),
  '{t,t,t,t,t,f,f,f,f}', 'until the last of them is done');
select is(pg_temp.optional(pg_temp.all_steps('{}')), 'thumbnail', 'no video fails for its thumbnail');
select is(
  pg_temp.field(pg_temp.all_steps('{}'), 'thumbnail', 'input'),
  '{"video_url": {"artifact": "video"}, "frame_type": "first"}', 'it is taken from the video as it is delivered');
update public.models set files_are_public = false where name = 'Test 1';
select is(
  pg_temp.field(pg_temp.all_steps('{}'), 'thumbnail', 'input') -> 'video_url', '{"stored_video": true}',
  'or from our own copy where the provider''s files are its own');
update public.models set files_are_public = true where name = 'Test 1';
select is(
  public.quote_generation((pg_temp.model()).id, settings) -> 'credits', to_jsonb(credits),
  format('%s costs %s', settings, credits))
from (values
  ('{}'::jsonb, 5),
  ('{"duration": 1}', 1603),
  ('{"duration": 31}', 3231),
  ('{"enable_voiceover": true, "voiceover_text": "Hello"}', 905),
  ('{"enable_music": true}', 1405),
  ('{"enable_music": true, "music_volume": 0}', 5),
  ('{"enable_voiceover": true, "enable_music": true, "deliver_without": ["music", "voiceover"]}', 1505)
) as priced (settings, credits);
select is(
  private.resolve_settings((pg_temp.model()).settings_schema, jsonb_build_object('deliver_without', wish))
    #>> '{issues,0,message}',
  'must be a list of at most 2', format('%s is no list of at most two', wish))
from unnest(array['"music"', '["music", "music", "music"]', '{"music": true}']::jsonb[]) as wish;

-- Jobs.
create function pg_temp.request(
  p_name text, p_settings jsonb default '{}', p_model integer default 1, p_kind text default 'transition')
returns jsonb language sql as $$
  select public.start_generation('00000000-0000-4000-8000-00000000000a', p_name, 'hash', jsonb_build_object(
    'kind', p_kind, 'model_id', '00000000-0000-4000-8000-00000000000' || p_model, 'prompt', 'a cat', 'settings', p_settings,
    'node_id', p_name, 'image_url', 'https://example.com/1.png', 'tail_image_url', 'https://example.com/2.png'))
$$;
create function pg_temp.start(p_name text, p_settings jsonb default '{}') returns void language sql as
  $$ select pg_temp.request(p_name, p_settings) $$;
create function pg_temp.job(p_name text) returns uuid language sql as
  $$ select job_id from public.video_jobs where node_id = p_name $$;
create function pg_temp.queued(p_name text) returns private.job_queue language sql as
  $$ select job_queue from private.job_queue where job_id = pg_temp.job(p_name) $$;
create function pg_temp.at(p_name text) returns text language sql as
  $$ select coalesce(step_names[step + 1], stage) from public.video_jobs where node_id = p_name $$;
create function pg_temp.state(p_name text) returns text language sql as $$
  select format('%s %s %s%%', status, stage, progress_percent) from public.video_jobs where node_id = p_name
$$;
create function pg_temp.everything(p_name text) returns jsonb language sql as $$
  select to_jsonb(video_jobs) || jsonb_build_object('leased_job', to_jsonb(job_queue))
  from public.video_jobs join private.job_queue using (job_id) where node_id = p_name
$$;
create function pg_temp.balance() returns integer language sql as
  $$ select credits_remaining from public.credit_balances where user_id = '00000000-0000-4000-8000-00000000000a' $$;
create function pg_temp.refunds(p_name text) returns text language sql as $$
  select coalesce(string_agg(change || ' ' || reason, ', '), '') from public.quota_log
  where job_id = pg_temp.job(p_name) and change > 0
$$;
-- Makes the current step.
create function pg_temp.make(p_name text) returns jsonb language plpgsql as $$
declare
  v_queued private.job_queue := pg_temp.queued(p_name);
  v_step jsonb := v_queued.steps -> v_queued.step;
begin
  perform public.record_submission(v_queued.job_id, v_queued.attempt, 'run of ' || (v_step ->> 'name'));
  return public.advance_step(v_queued.job_id, v_queued.attempt,
    jsonb_build_object(v_step ->> 'produces', 'https://provider.test/' || (v_step ->> 'name')));
end;
$$;
create function pg_temp.leave_out(p_name text) returns jsonb language sql as
  $$ select public.skip_step(pg_temp.job(p_name), (pg_temp.queued(p_name)).attempt) $$;
create function pg_temp.complete(p_name text) returns jsonb language sql as
  $$ select public.complete_job(pg_temp.job(p_name), (pg_temp.queued(p_name)).attempt, 'x.mp4') $$;
create function pg_temp.make_until(p_name text, p_step text) returns void language plpgsql as $$
begin
  -- A step that never comes must not keep the tests waiting.
  for v_turn in 1 .. 9 loop
    exit when pg_temp.at(p_name) = p_step;
    perform pg_temp.make(p_name);
  end loop;
end;
$$;
-- Makes all that is left, and delivers it.
create function pg_temp.deliver(p_name text) returns jsonb language sql as
  $$ select pg_temp.make_until(p_name, 'storing'); select pg_temp.complete(p_name) $$;

-- What is charged, and how long it may take.
create temp table answer as select pg_temp.request('music', pg_temp.sounding('["music"]')) as json;
select is(
  json #> '{leased_job,start_within_seconds}', '900', 'a run may wait as long as its model says, whatever comes after it')
from answer;
select is(pg_temp.balance(), 98495, 'what is charged is what was quoted, extras and all');
select is((select credits_used from public.video_jobs where node_id = 'music'), 1505, 'and the job says so');
select is(
  (select step_names from public.video_jobs where node_id = 'music'),
  '{voiceover,music,loudness,generate,mix,thumbnail}', 'the job names its steps');
select is(
  (pg_temp.queued('music')).deadline_at, '2030-01-01 12:00:00+00'::timestamptz
    -- The start, the runs that must be (900, 180 and 180 seconds), and the patience with the others (180, 60 and 30).
    + make_interval(secs => 900 + 900 + 180 + 180 + 180 + 60 + 30),
  'its deadline has time for every run that it needs, and patience for the others');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a step that the video needs may take all that time');

-- Without music.
create temp table before as select pg_temp.everything('music') as everything;
select is(pg_temp.leave_out('music') -> 'applied', 'false', 'a part that the owner insists on is not left out');
select is(pg_temp.everything('music'), everything, 'which changes nothing') from before;
select public.record_submission(pg_temp.job('music'), 1, 'run of voiceover');
select public.record_progress(pg_temp.job('music'), 1, 'generating', 50);
select is(pg_temp.state('music'), 'processing generating 3%', 'half of a short step is a small part of the whole');
select public.record_progress(pg_temp.job('music'), 1, 'generating', 100);
update answer set json = pg_temp.make('music');
select is(json #>> '{leased_job,step,name}', 'music', 'after the voice comes the music') from answer;
select is(pg_temp.state('music'), 'processing submitting 6%', 'percent does not fall between two steps');
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('music')), interval '180 seconds',
  'which the video waits for no longer than its patience');
select is(
  private.leased_job_json(null, pg_temp.queued('music'), false) -> 'start_within_seconds', '180',
  'and its run may wait as long');
update before set everything = pg_temp.everything('music');
select is(
  public.skip_step(pg_temp.job('music'), attempt) -> 'applied', 'false', who || ' leaves nothing out')
from (values (1, 'the attempt before'), (3, 'an attempt that was never made')) as stale (attempt, who);
select is(pg_temp.everything('music'), everything, 'what a stale worker leaves out changes nothing') from before;
update answer set json = pg_temp.leave_out('music');
select is(
  json #>> '{leased_job,step,name}', 'generate', 'who leaves the music out goes on with the picture: its loudness is passed over')
from answer;
select is(json #>> '{leased_job,action}', 'submit', 'and submits it at once') from answer;
-- Of 2430 seconds its own run (900), the mix (180) and the patience with the thumbnail (30) are kept.
select is(json #> '{leased_job,start_within_seconds}', '1320', 'which may wait while there is time for the rest') from answer;
select is(json #> '{job,skipped_extras}', '["music"]', 'the job tells what is left out') from answer;
select is(pg_temp.state('music'), 'processing submitting 19%', 'what was passed over counts as done');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a picture may take the whole time');
select is(pg_temp.leave_out('music') -> 'applied', 'false', 'and is not left out');
update answer set json = pg_temp.make('music');
select is(json #>> '{leased_job,step,name}', 'mix', 'then comes the mix') from answer;
select is(pg_temp.state('music'), 'processing submitting 82%', 'steps count by their typical times');
select is((pg_temp.queued('music')).step_deadline_at, (pg_temp.queued('music')).deadline_at,
  'a mix that has a part which was insisted on may take the whole time');
select is(pg_temp.leave_out('music') -> 'applied', 'false', 'and is not left out either');
update answer set json = pg_temp.make('music');
select is(pg_temp.at('music'), 'thumbnail', 'then comes the thumbnail');
select is(json #> '{leased_job,start_within_seconds}', '30', 'which must be quick') from answer;
select is(pg_temp.refunds('music'), '', 'nothing is given back before the video is delivered');
select is(pg_temp.make('music') #>> '{leased_job,action}', 'store', 'and last the copy');
select is(pg_temp.leave_out('music') -> 'applied', 'false', 'when nothing can be left out any more');
select is(pg_temp.complete('music') #> '{job,credits_refunded}', '600',
  'a delivered job gives back what was paid for what is left out');
select is(pg_temp.refunds('music'), '600 skipped_extras_refund', 'exactly that');
select is(pg_temp.balance(), 99095, 'to its owner');
select is(pg_temp.complete('music') -> 'applied', 'false', 'a second delivery is none');
select is(
  public.fail_job(pg_temp.job('music'), (pg_temp.queued('music')).attempt, 'timeout', 'x') -> 'applied', 'false',
  'nor does it fail after that');
select is(pg_temp.balance(), 99095, 'and gives nothing back again');
select is(pg_temp.leave_out('music') -> 'applied', 'false', 'nothing is left out of a delivered video');
select is_empty('select * from public.audit_credits()', 'the books balance after a delivery in part');

-- Without any sound, and without a thumbnail.
create temp table accounts as select pg_temp.balance() as balance;
select pg_temp.start('silent', pg_temp.sounding('["music", "voiceover"]'));
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('silent')), interval '120 seconds',
  'a first step that the video may do without is waited for no longer than its patience');
select pg_temp.leave_out('silent');
select is(
  pg_temp.at('silent') || ' ' || pg_temp.state('silent'), 'music pending submitting 6%',
  'without its voice a video still gets its music, pending until something is taken');
select pg_temp.leave_out('silent');
update answer set json = pg_temp.make('silent');
select is(json #>> '{leased_job,step,name}', 'thumbnail', 'a mix of which every part is left out is passed over') from answer;
select is(
  (select step_deadline_at - private.clock() from pg_temp.queued('silent')), interval '30 seconds',
  'no video waits for its thumbnail for long');
update answer set json = pg_temp.leave_out('silent');
select is(
  json #> '{job,skipped_extras}' || (json #> '{leased_job,action}'), '["music", "thumbnail", "voiceover", "store"]',
  'and none fails for it') from answer;
select pg_temp.complete('silent');
select is(pg_temp.refunds('silent'), '1500 skipped_extras_refund', 'a mix that nobody needed is given back too');
select is(pg_temp.balance(), balance - 5, 'the picture is not') from accounts;

select pg_temp.start('mute', pg_temp.sounding('["music", "voiceover"]'));
select pg_temp.make_until('mute', 'mix'), pg_temp.leave_out('mute'), pg_temp.deliver('mute');
select is(
  (select skipped_extras from public.video_jobs where node_id = 'mute'), '{music,voiceover}',
  'whoever leaves out the mix leaves out all that it was to mix');
select is(pg_temp.refunds('mute'), '1500 skipped_extras_refund', 'which is given back, made or not');

select pg_temp.start('faceless');
select pg_temp.make('faceless'), pg_temp.leave_out('faceless'), pg_temp.complete('faceless');
select is(pg_temp.refunds('faceless'), '', 'what was free is not given back');
select pg_temp.start('whole', pg_temp.sounding('["music", "voiceover"]'));
select is(
  pg_temp.deliver('whole') #> '{job,status}' || jsonb_build_array(pg_temp.refunds('whole')), '["completed", ""]',
  'what could have been left out and was not is not given back');

-- A model that gives a thumbnail of its own.
select pg_temp.start('pretty');
select public.record_submission(pg_temp.job('pretty'), 1, 'run');
update answer set json = public.advance_step(pg_temp.job('pretty'), 1,
  '{"video_url": "https://provider.test/v.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
select is(
  json #> '{leased_job,action}' || (json #> '{job,skipped_extras}'), '["store"]', 'a thumbnail that is there is not made again')
from answer;
select is(json #>> '{leased_job,artifacts,thumbnail,url}', 'https://provider.test/t.jpg', 'and is delivered') from answer;
select pg_temp.complete('pretty');

-- Patience.
select pg_temp.start('slow', pg_temp.sounding('["music"]')), pg_temp.start('late', pg_temp.sounding('["music", "voiceover"]'));
select pg_temp.make('slow');
select public.record_submission(pg_temp.job('slow'), 2, 'run of music');
select public.postpone(pg_temp.job('slow'), 2, 1000);
select is(
  (pg_temp.queued('slow')).next_check_at, '2030-01-01 12:03:00+00',
  'a step that the video may do without is looked at when its patience is over, whatever the delay');
select public.schedule_retry(pg_temp.job('slow'), 2, 1000);
select is((pg_temp.queued('slow')).next_check_at, '2030-01-01 12:03:00+00', 'before its next attempt too');
set local test.now = '2030-01-01 12:02:59+00';
select is(public.lease_job(pg_temp.job('slow')), null, 'not before that');
select public.record_submission(pg_temp.job('late'), 1, 'run of voiceover');
set local test.now = '2030-01-01 12:03:00+00';
update answer set json = public.lease_job(pg_temp.job('slow'));
select is(json ->> 'action', 'expire', 'then it expires') from answer;
select is(json ->> 'past_deadline', 'false', 'long before the video itself') from answer;
select is(json ->> 'attempt', '2', 'and nothing is submitted for it any more') from answer;
select is(
  public.skip_step(pg_temp.job('slow'), 2) #>> '{leased_job,action}', 'submit', 'the step after it has its own time');
update private.job_queue set next_check_at = private.clock(), lease_until = null where job_id = pg_temp.job('slow');
select is(
  public.lease_job(pg_temp.job('slow')) ->> 'action', 'submit', 'and does not expire: the video needs it');
select is(
  public.lease_job(pg_temp.job('late')) ->> 'action', 'expire', 'a run that goes on for too long expires as well');
select set_config('test.now', (deadline_at - interval '10 seconds')::text, true) from pg_temp.queued('late');
select pg_temp.make('late');
select is(
  (pg_temp.queued('late')).step_deadline_at, (pg_temp.queued('late')).deadline_at,
  'no step is waited for beyond the deadline of its job');
select pg_temp.leave_out('late');
select is(pg_temp.at('late'), 'generate', 'and the picture goes on without it');
set local test.now = '2030-01-01 12:00:00+00';

-- Failures after something was left out.
update accounts set balance = pg_temp.balance();
select pg_temp.start('failed', pg_temp.sounding('["voiceover"]'));
select pg_temp.leave_out('failed'), pg_temp.make('failed');
select is(
  public.fail_job(pg_temp.job('failed'), 3, 'provider_error', 'x') #> '{job,credits_refunded}', '1505',
  'a job that fails without a part is refunded in full');
select is(pg_temp.refunds('failed'), '1505 generation_failed_refund', 'in one entry');
select is(public.fail_job(pg_temp.job('failed'), 3, 'provider_error', 'x') -> 'applied', 'false', 'and once');
select is(pg_temp.complete('failed') -> 'applied', 'false', 'nor is it delivered after that');
select is(pg_temp.balance(), balance, 'so that nothing was lost or won') from accounts;
select set_eq(
  $$ select path from private.files_to_delete where bucket = 'videos' $$,
  $$ select '00000000-0000-4000-8000-00000000000a/' || pg_temp.job('failed') || ending
    from unnest(array['.mp4', '_thumb.jpg', '.vtt']) as ending $$,
  'the files that its first steps may have left are deleted');
select pg_temp.start('refused');
select public.fail_job(pg_temp.job('refused'), 1, 'provider_error', 'x');
select is_empty(
  $$ select from private.files_to_delete where path like '%' || pg_temp.job('refused') || '%' $$,
  'a job that failed in its first step has none');
select pg_temp.start('kind', pg_temp.sounding('["voiceover"]'));
select pg_temp.leave_out('kind');
select public.add_credits('00000000-0000-4000-8000-00000000000a', 100, 'by hand', pg_temp.job('kind'));
select pg_temp.deliver('kind');
select is(
  pg_temp.state('kind') || ' ' || pg_temp.refunds('kind'), 'completed completed 100% 100 by hand',
  'what support gave back by hand is not given back again');

-- The books.
select is_empty('select * from public.audit_credits()', 'the books balance after every kind of end');
create function pg_temp.audit_after(p_damage text) returns text language plpgsql as $$
declare
  v_found text;
begin
  begin
    alter table public.quota_log disable trigger user;
    alter table public.video_jobs drop constraint delivered_job_is_refunded_for_skipped_extras;
    execute p_damage;
    select string_agg(problem || ' ' || coalesce(node_id, 'user'), ', ' order by problem, node_id) into v_found
    from public.audit_credits() as audit left join public.video_jobs using (job_id);
    raise exception 'undo' using errcode = 'ZZ999';
  exception when sqlstate 'ZZ999' then
    return v_found;
  end;
end;
$$;
select matches(pg_temp.audit_after(damage), 'job_refunded_without_failing ' || node, 'the audit reports ' || what)
from (values
  ('a part that was left out and not given back', 'music',
    $$ delete from public.quota_log where job_id = pg_temp.job('music') and change > 0 $$),
  ('a part that was given back at another price', 'music',
    $$ update public.quota_log set change = 700 where job_id = pg_temp.job('music') and change > 0 $$),
  ('something free that was given back', 'faceless',
    $$ select public.add_credits(user_id, 1, 'x', job_id) from public.video_jobs where node_id = 'faceless' $$),
  ('a refund of a video that lacks nothing', 'whole',
    $$ select public.add_credits(user_id, 200, 'x', job_id) from public.video_jobs where node_id = 'whole' $$),
  ('a refund of a video that lacks nothing, though the job says so too', 'whole',
    $$ update public.video_jobs set credits_refunded = 200 where node_id = 'whole';
      select public.add_credits(user_id, 200, 'x', job_id) from public.video_jobs where node_id = 'whole' $$)
) as damages (what, node, damage);

-- Webhooks of steps that are over.
select pg_temp.start('woken', pg_temp.sounding('["music"]'));
select pg_temp.make('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 1, 'run of voiceover'), '{"outcome": "finished", "same_run": true}',
  'a webhook of the run that made an earlier step is told that it is over');
select is(
  public.wake_job(pg_temp.job('woken'), 1, 'another') -> 'same_run', 'false',
  'one of another run that it was not this one');
select public.record_submission(pg_temp.job('woken'), 2, 'run of music');
select pg_temp.leave_out('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 2, 'run of music'), '{"outcome": "finished", "same_run": false}',
  'a run whose step was left out made nothing that is delivered');
select is((pg_temp.queued('woken')).attempt, 3, 'and neither takes the place of the next step''s');
select is((pg_temp.queued('woken')).provider_job_id, null, 'nor its run');
select pg_temp.deliver('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 3, 'run of generate'), '{"outcome": "finished", "same_run": true}',
  'so it is after the end');

-- What is refused.
update public.pipeline_steps set is_available = false where name in ('voiceover', 'mix');
select is(
  pg_temp.request('off', pg_temp.sounding()),
  '{"outcome": "validation_failed", "issues": [
    {"path": "settings.enable_voiceover", "message": "must be false: it is not available at the moment"}]}',
  'a voiceover that is switched off is refused by the setting that asks for it');
select throws_ok(
  format('select public.quote_generation(%L, %L)', id, pg_temp.sounding()), 'PGRST', null, 'nor is there a price for it')
from public.models where category = 'transition' and settings_schema -> 'settings' ? 'enable_voiceover' limit 1;
select is(pg_temp.request('off', '{"enable_music": true}') ->> 'outcome', 'created', 'the rest goes on without it');
update public.pipeline_steps set is_available = false where name = 'thumbnail';
select is(pg_temp.names(pg_temp.all_steps('{}')), 'generate', 'a thumbnail that is switched off is not made');
select is(
  pg_temp.request('kinds', '{}', 2) ->> 'outcome', 'model_not_found',
  'a transition is made by models of transitions only');
select is(
  pg_temp.request('kinds', '{}', 1, 'generation') ->> 'outcome', 'created', 'which are for generations too');
select is(
  public.start_generation('00000000-0000-4000-8000-00000000000a', 'no tail', 'hash', jsonb_build_object(
    'model_id', (pg_temp.model()).id, 'prompt', 'a cat', 'image_url', 'https://example.com/1.png')) #>> '{issues,0,path}', 'tail_image', 'given both images');
select is(
  public.start_generation('00000000-0000-4000-8000-00000000000a', 'featured', 'hash',
    '{"kind": "transition", "prompt": "a cat", "node_id": "featured", "image_url": "https://example.com/1.png",
      "tail_image_url": "https://example.com/2.png"}') ->> 'outcome', 'created',
  'a transition need not name its model');
select is(
  (select model_id from public.video_jobs where node_id = 'featured'), (pg_temp.model()).id,
  'then it is the featured one');
select is(
  public.start_generation('00000000-0000-4000-8000-00000000000a', 'nameless', 'hash', '{"prompt": "a cat"}') ->> 'outcome',
  'model_not_found', 'a generation names its model');
select is_empty('select * from public.audit_credits()', 'the books balance in the end');

select * from finish();
rollback;
