-- The steps that a request is made of, with their inputs and prices.
begin;
select plan(67);
\ir support/extras.psql

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
  '{"a": "text", "list": [1, {"deep": [1, 2]}, "z"]}', 'a value replaces its name at any depth of a template');
select is(
  private.render('{"voice": {"from": "who", "choices": {"he": "am_1", "she": "af_2"}}}', '{"who": "she"}'),
  '{"voice": "af_2"}', 'the choices translate a value for the provider');
select is(
  private.render('{"video": {"artifact": "video"}, "none": {}, "empty": []}', '{"artifact": "x"}'),
  '{"video": {"artifact": "video"}, "none": {}, "empty": []}', 'an artifact stays in the input until it is made');
select is(
  private.render('{"text": {"from": "text"}}', '{"text": {"from": "secret"}, "secret": 1}'),
  '{"text": {"from": "secret"}}', 'a value that looks like a template is not rendered again');
select is(private.render('{"a": {"from": "x"}}', '{}'), '{"a": null}', 'a missing value is null');

-- The picture: one run, several, or one that is cut.
create function pg_temp.picture(p_settings jsonb) returns jsonb language sql as $$
  select private.generation_steps(pg_temp.model(), 'a cat', '"https://example.com/1.png"', '{"input_file": "a/2.png"}',
    private.resolve_settings((pg_temp.model()).settings_schema, p_settings) -> 'settings')
$$;
select is(
  pg_temp.picture('{"style": "FADE"}'),
  '[{"name": "generate", "provider": "fal", "model": "test", "produces": "video_url", "credits": 5, "extras": [],
    "optional": false, "makes_video": true, "typical_seconds": 100, "max_run_seconds": 900, "input": {
      "prompt": "a cat It fades.", "first": "https://example.com/1.png", "last": {"input_file": "a/2.png"},
      "length": "5s"}}]',
  'a length that the model supports is one run, from the first image to the last');
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
  'every length is made of runs that the model supports, and they add up to it');
select is(
  pg_temp.inputs(steps, 'first'), '["https://example.com/1.png", {"artifact": "frame_1"}, {"artifact": "frame_2"}]',
  'the first run begins with the first image, each other run with the last frame of the run before it') from long;
select is(pg_temp.field(steps, 'frame_2', 'input'), '{"video_url": {"artifact": "generate_2"}, "frame_type": "last"}',
  'a last frame is taken from the video of its own run') from long;
select is(pg_temp.inputs(steps, 'last'), '[null, null, {"input_file": "a/2.png"}]',
  'only the last run ends with the last image') from long;
select is(
  pg_temp.field(steps, 'join', 'input'),
  '{"video_urls": [{"artifact": "generate_1"}, {"artifact": "generate_2"}, {"artifact": "generate_3"}]}',
  'the runs are joined in their order') from long;
select is_empty(
  $$ select step from long, jsonb_array_elements(steps) as step
    where (step ->> 'optional')::boolean or step -> 'extras' <> '[]' $$,
  'no run of the picture can be skipped');
select is(private.price_of(steps), 3231, 'the runs cost what the whole length costs, once') from long;
create temp table short as select pg_temp.picture('{"duration": 1}') as steps;
select is(pg_temp.inputs(steps, 'length'), '["3s"]', 'a length below the shortest of the model is made as the shortest')
from short;
select is(
  pg_temp.field(steps, 'trim', 'input'), '{"video_url": {"artifact": "video"}, "start_time": 0, "end_time": 1}',
  'the shortest length is cut to the length of the request') from short;
select is(private.price_of(steps), 1603, 'a length below the shortest costs what the shortest costs') from short;
select is(
  private.generation_steps(models, 'a cat', null, null, '{"duration": 31}') #> '{0,input}',
  '{"prompt": "a cat", "seconds": 31}', 'a model that supports every length gets the length of the request')
from public.models where name = 'Test text-to-video';

-- The sound.
create function pg_temp.sound(p_settings jsonb) returns jsonb language sql as $$
  select (sound -> 'before') || (sound -> 'after') from private.sound_steps(
    private.resolve_settings((pg_temp.model()).settings_schema, p_settings) -> 'settings', '{"artifact": "video"}')
    as sound
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
select is(pg_temp.sound_of('none'), '[]', 'a video without sound has no steps of sound');
select is(pg_temp.names(pg_temp.sound_of('voice')), 'voiceover mix', 'a voiceover is spoken and mixed');
select is(
  pg_temp.field(pg_temp.sound_of('voice'), 'voiceover', 'input'), '{"prompt": "Hello", "voice": "am_michael"}',
  'a voiceover has the chosen voice and the text');
select is(
  pg_temp.names(pg_temp.sound_of('music')), 'music loudness mix',
  'music is composed, brought to its volume and mixed');
select is(
  pg_temp.field(pg_temp.sound_of('music'), 'music', 'input') -> 'seconds_total', '7', 'music is as long as the video');
select is(
  pg_temp.field(pg_temp.sound_of('music'), 'mix', 'input') #> '{tracks,1}',
  '{"id": "music", "type": "audio", "keyframes": [
    {"timestamp": 0, "duration": 7000, "url": {"artifact": "loudness"}}]}',
  'the mix uses the music at its volume');
select is(pg_temp.names(pg_temp.sound_of('both')), 'voiceover music loudness mix', 'voice and music are mixed at once');
select is(
  (select jsonb_agg(track -> 'id')
    from jsonb_array_elements(pg_temp.field(pg_temp.sound_of('both'), 'mix', 'input') -> 'tracks') as track),
  '["video", "voiceover", "music"]', 'a mix has the picture, the voice and the music');
select is(pg_temp.sound('{"enable_music": true, "music_volume": 0}'), '[]', 'music at volume 0 has no steps');
select is(
  pg_temp.names(pg_temp.sound(pg_temp.sounding() || '{"music_volume": 0}')), 'voiceover mix',
  'music at volume 0 has no steps next to a voice');
select is(
  private.price_of(pg_temp.sound(pg_temp.sounding() || '{"music_volume": 0}')), 900,
  'music at volume 0 is not charged');
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
  pg_temp.field(pg_temp.sound_of('spare music'), 'mix', 'extras'), '["voiceover", "music"]',
  'a mix lists all its extras');

-- The thumbnail, and the price.
create function pg_temp.all_steps(p_settings jsonb) returns jsonb language sql as $$
  select private.build_steps(pg_temp.model(), 'a cat', '"1"', '"2"',
    private.resolve_settings((pg_temp.model()).settings_schema, p_settings) -> 'settings')
$$;
select is(
  pg_temp.names(pg_temp.all_steps('{"duration": 1, "enable_music": true}')),
  'music loudness generate trim mix',
  'sound is made before the picture and mixed after it, and the thumbnail is none of the steps');
select is(
  (select string_agg(step ->> 'name', ' ' order by place)
    from jsonb_array_elements(pg_temp.all_steps(pg_temp.sounding() || '{"duration": 31}')) with ordinality as steps (step, place)
    where (step ->> 'makes_video')::boolean),
  'generate_1 generate_2 generate_3', 'the runs of the model are marked: after the last one the video is made');
select is(
  array(select private.is_making_video(pg_temp.all_steps('{"duration": 16, "enable_music": true}'), step)
    from generate_series(0, 7) as step),
  '{t,t,t,t,t,f,f,f}', 'the video is being made until its last run has ended');
select is(
  private.thumbnail_step(true) -> 'input',
  '{"video_url": {"artifact": "video"}, "frame_type": "first"}',
  'the thumbnail is taken from the video that is delivered');
select is(
  private.thumbnail_step(false) #> '{input,video_url}', '{"stored_video": true}',
  'the thumbnail is taken from our own copy where the files of the provider are private');
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

-- Another provider: the steps that its tools can do are switched to it.
update public.pipeline_steps set provider = 'rendi'
where name in ('trim', 'join', 'frame', 'loudness', 'mix', 'thumbnail');
create temp table others as
select pg_temp.all_steps(pg_temp.sounding() || '{"duration": 31}') || pg_temp.picture('{"duration": 1}')
  || private.thumbnail_step(true) as steps;
select is(
  pg_temp.field(steps, name, 'input'), input::jsonb, format('rendi gets the input of %s', name))
from others, (values
  ('loudness', '{"audio_url": {"artifact": "music"}, "loudness": -20}'),
  ('frame_2', '{"video_url": {"artifact": "generate_2"}, "frame": "last"}'),
  ('join', '{"video_urls": [{"artifact": "generate_1"}, {"artifact": "generate_2"}, {"artifact": "generate_3"}]}'),
  ('mix', '{"video_url": {"artifact": "video"}, "audio_urls": [{"artifact": "voiceover"}, {"artifact": "loudness"}],
    "seconds": 31}'),
  ('trim', '{"video_url": {"artifact": "video"}, "seconds": 1}'),
  ('thumbnail', '{"video_url": {"artifact": "video"}, "frame": "first"}')) as tools (name, input);
select is(
  (select jsonb_object_agg(step ->> 'name', array[step ->> 'provider', step ->> 'model'])
    from others, jsonb_array_elements(steps) as step
    where step ->> 'name' in ('music', 'mix', 'thumbnail')),
  '{"music": ["fal", "fal-ai/stable-audio-25/text-to-audio"], "mix": ["rendi", "mix"], "thumbnail": ["rendi", "frame"]}',
  'each step is sent to the provider of its row');

select * from finish();
rollback;
