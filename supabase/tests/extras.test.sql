-- Voiceover, music and subtitles of every model: its settings, its length, its own sound, and subtitles in the picture.
begin;
select plan(61);
\ir support/extras.psql

insert into public.models (
  id, name, category, provider, provider_model_id, pricing_type, cost_per_second, cost_per_generation, settings_schema)
values
  ('00000000-0000-4000-8000-000000000006', 'Test sounding', 'text-to-video', 'fal', 'test', 'per_second', 2, null, '{
    "settings": {
      "duration": { "values": [5, 8], "default": 5, "input": "duration" },
      "generate_audio": { "type": "boolean", "default": true, "input": "audio", "price_factor": { "false": 0.5 } }
    } }'),
  ('00000000-0000-4000-8000-000000000007', 'Test frames', 'text-to-video', 'fal', 'test', 'per_generation', null, 5, '{
    "settings": { "num_frames": { "values": [81], "default": 81, "input": "frames" } } }'),
  ('00000000-0000-4000-8000-000000000008', 'Test unknown', 'text-to-video', 'fal', 'test', 'per_generation', null, 5,
    '{ "settings": {} }');
update public.pipeline_steps set credits = 6400 where name = 'subtitles';

create function pg_temp.resolved(p_model text, p_settings jsonb) returns jsonb language sql as $$
  select private.resolve_for_model(models, p_settings) from public.models where name = 'Test ' || p_model
$$;
create function pg_temp.issues(p_model text, p_settings jsonb) returns text language sql as $$
  select string_agg(issue ->> 'path' || ' ' || (issue ->> 'message'), '; ' order by issue ->> 'path')
  from jsonb_array_elements(pg_temp.resolved(p_model, p_settings) -> 'issues') as issue
$$;
create function pg_temp.steps(p_model text, p_settings jsonb) returns jsonb language sql as $$
  select private.build_steps(models, 'a cat', null, null, pg_temp.resolved(p_model, p_settings) -> 'settings')
  from public.models where name = 'Test ' || p_model
$$;
create function pg_temp.names(p_steps jsonb) returns text language sql as $$
  select string_agg(step ->> 'name', ' ' order by place)
  from jsonb_array_elements(p_steps) with ordinality as steps (step, place)
$$;
create function pg_temp.input(p_steps jsonb, p_name text) returns jsonb language sql as
  $$ select step -> 'input' from jsonb_array_elements(p_steps) as step where step ->> 'name' = p_name $$;
-- Burnt in, with these texts.
create function pg_temp.drawn(variadic p_texts text[]) returns jsonb language sql as $$
  select jsonb_build_object('enable_subtitles', true, 'burn_in', true, 'subtitles', (
    select jsonb_agg(jsonb_build_object('startTime', 0, 'endTime', 2, 'text', text)) from unnest(p_texts) as text))
$$;

-- The settings of the extras are those of every model.
select set_eq('select jsonb_object_keys(private.extra_settings())', 'select unnest(private.extra_names())',
  'the names of the extras are those of their settings');
select is_empty(
  $$ select private.schema_problems(jsonb_build_object('settings', private.extra_settings())) $$,
  'the settings of the extras are valid');
select is(pg_temp.resolved('sounding', '{}') -> 'settings', '{"duration": 5, "generate_audio": true}',
  'without extras the settings are those of the model');
select is(
  pg_temp.resolved('sounding', '{"enable_music": true}') -> 'settings',
  '{"duration": 5, "generate_audio": false, "enable_music": true, "music_type": "ambient", "music_volume": 50,
    "enable_voiceover": false, "voice_type": "neutral", "enable_subtitles": false, "subtitles": [],
    "subtitle_style": "default", "subtitle_position": "bottom", "burn_in": false, "deliver_without": []}',
  'with one of them all have their defaults, and the sound of the model itself is off');
select is(pg_temp.issues('sounding', '{"voice_type": "robot", "fps": 30}'),
  'settings.fps not a setting of this model, which takes: burn_in, deliver_without, duration, enable_music, '
  'enable_subtitles, enable_voiceover, generate_audio, music_type, music_volume, subtitle_position, subtitle_style, '
  'subtitles, voice_type, voiceover_text; settings.voice_type must be one of: male, female, neutral',
  'a value that an extra does not have is refused');
select is(pg_temp.issues('transition', '{"music_type": "upbeat"}'),
  'settings.music_type must be one of: ambient, calm', 'a model''s row may have fewer values');

-- The sound of the model itself.
select is(pg_temp.resolved('sounding', settings) #> '{settings,generate_audio}', audio, format('%s: %s', settings, audio))
from (values
  ('{"enable_subtitles": true}'::jsonb, 'true'::jsonb),
  ('{"enable_music": true, "music_volume": 0}', 'true'),
  ('{"enable_music": true, "generate_audio": false}', 'false'),
  ('{"enable_voiceover": true, "voiceover_text": "Hello"}', 'false')) as examples (settings, audio);
select is(pg_temp.issues('sounding', '{"enable_music": true, "generate_audio": true}'),
  'settings.generate_audio must be false or left out beside voiceover and music', 'both sounds at once are refused');
select is(pg_temp.resolved('frames', '{"enable_music": true}') -> 'settings' -> 'generate_audio', null,
  'a model without such a switch gets none');
select is(pg_temp.input(pg_temp.steps('sounding', '{"enable_music": true}'), 'generate'),
  '{"prompt": "a cat", "duration": 5, "audio": false}', 'the provider is told so');
select is(public.quote_generation('00000000-0000-4000-8000-000000000006', '{"enable_music": true}') -> 'credits', '1405',
  'and the price is that of a silent run');

-- The length of the video.
select is(private.length_of(settings), length, format('%s: %s seconds', settings, length))
from (values
  ('{"duration": 8}'::jsonb, 8), ('{"num_frames": 81}', 5.063), ('{"num_frames": 48, "fps": 24}', 2), ('{}', null))
  as examples (settings, length);
select is(pg_temp.input(pg_temp.steps('frames', '{"enable_music": true}'), 'music') -> 'seconds_total', '6',
  'music is at least as long as a video of frames');
select is(pg_temp.input(pg_temp.steps('frames', '{"enable_music": true}'), 'mix') #> '{tracks,1,keyframes,0,duration}',
  '5063', 'and is mixed in its exact length');
select is(pg_temp.issues(model, settings), issues, format('%s %s', model, settings))
from (values
  ('unknown', '{"enable_music": true}'::jsonb,
    'settings.enable_music must be false: the length of the videos of this model is not known'),
  ('unknown', '{"enable_voiceover": true, "voiceover_text": "Hello"}',
    'settings.enable_voiceover must be false: the length of the videos of this model is not known'),
  ('unknown', '{"enable_subtitles": true, "subtitles": [{"startTime": 0, "endTime": 900, "text": "Late"}]}', null),
  ('sounding', jsonb_build_object('enable_voiceover', true, 'voiceover_text', repeat('é', 100)), null),
  ('sounding', jsonb_build_object('enable_voiceover', true, 'voiceover_text', repeat('é', 101)),
    'settings.voiceover_text must be at most 100 characters for a video of 5 seconds'),
  ('sounding', jsonb_build_object('enable_voiceover', false, 'voiceover_text', repeat('é', 101)), null),
  ('sounding', '{"subtitles": [{"endTime": 5}, {"endTime": 5.1}]}',
    'settings.subtitles.1.endTime must not be after the end of the video'),
  -- Prices are asked for with anything.
  ('sounding', '{"burn_in": true, "subtitles": [5, "x", null, {"endTime": "9"}, {"text": {}}, []], "deliver_without": [5]}',
    null)) as examples (model, settings, issues);

-- Subtitles in the picture.
select is(pg_temp.names(pg_temp.steps('sounding', pg_temp.drawn('Hi') || '{"enable_music": true}')),
  'music loudness generate mix subtitles', 'they are drawn when the rest is made');
select is(pg_temp.names(pg_temp.steps('sounding', '{"enable_subtitles": true}')), 'generate',
  'without burn_in they are not drawn');
select is(pg_temp.input(pg_temp.steps('sounding', pg_temp.drawn('Hi "you"') || '{"subtitle_position": "top"}'), 'subtitles'),
  '{"video_url": {"artifact": "video"}, "preset": "simple", "customization": {"position": "top", "shadow": "mid"},
    "srt_content": {"subtitle_file": "srt", "fonts": [{"family": "Noto Sans", "characters": "\"Hiouy", "url":
      "https://cdn.jsdelivr.net/npm/@expo-google-fonts/noto-sans@0.4.2/400Regular/NotoSans_400Regular.ttf"}]}}',
  'fal gets the texts');
update public.pipeline_steps set provider = 'rendi' where name = 'subtitles';
select is(pg_temp.input(pg_temp.steps('sounding', pg_temp.drawn('aあ') || '{"subtitle_style": "animated"}'), 'subtitles')
    -> 'font_urls',
  '["https://cdn.jsdelivr.net/npm/@expo-google-fonts/noto-sans@0.4.2/700Bold/NotoSans_700Bold.ttf",
    "https://cdn.jsdelivr.net/npm/@expo-google-fonts/noto-sans-jp@0.4.3/700Bold/NotoSansJP_700Bold.ttf"]',
  'rendi gets the fonts that the texts need, bold ones for an animated style');
select is(
  (select jsonb_agg(array[font -> 'family', font -> 'characters'])
    from jsonb_array_elements(pg_temp.input(pg_temp.steps('sounding', pg_temp.drawn('aあ', 'b 日🎉')), 'subtitles')
      #> '{subtitles_url,fonts}') as font),
  '[["Noto Sans", "ab"], ["Noto Sans JP", "あ日"]]', 'each font gets the characters that it draws; emoji are left out');
select is(
  jsonb_array_length(pg_temp.input(pg_temp.steps('sounding', pg_temp.drawn(text)), 'subtitles') -> 'font_urls'), count,
  format('%s needs %s fonts', text, count))
from (values ('ğüşıöç ÑáΩЖ €', 1), ('日本', 2), ('🎉', 1)) as examples (text, count);
update public.pipeline_steps set provider = 'fal' where name = 'subtitles';
select is(pg_temp.issues('sounding', pg_temp.drawn('fine', text)), issue, format('%s: %s', text, issue))
from (values
  ('한글 and شكرا', 'settings.subtitles.1.text must not have characters that cannot be drawn into the picture: ارشك글한'),
  ('们', 'settings.subtitles.1.text must not have characters that cannot be drawn into the picture: 们'),
  (U&'g\0306 \200D\FE0F' || '👩‍👩‍👧 ⭐ 1️⃣ 🇹🇷', null)) as examples (text, issue);
-- With 60,000 combining marks they took 85 seconds to look at.
select is(pg_temp.issues('sounding', pg_temp.drawn(repeat('한', 501))),
  'settings.subtitles.0.text must be 1 to 500 characters',
  'a subtitle that is too long is refused for its length, and its characters are not looked at');
-- As they are written with a narrow space, or for a variant of a Han character.
select is(pg_temp.issues('sounding', pg_temp.drawn(U&'Quoi\202F? \2003\3000\00A0', U&'葛\+0E0100')), null,
  'spaces are right in every locale');
select is(pg_temp.issues('sounding', pg_temp.drawn(variadic texts)), issue, format('%s: %s', left(texts::text, 20), issue))
from (values
  (array['🎉', U&'👍 \200B\00AD\202E'],
    'settings.burn_in must be false: nothing of the subtitles can be drawn into the picture'),
  (array['🎉', 'Hi'], null),
  (array['fine', repeat(U&'\0301\0316', 30000)], 'settings.subtitles must be at most 5000 characters together where burn_in '
    'is true; settings.subtitles.1.text must be 1 to 500 characters'),
  (array_fill(repeat(U&'\0301\0316', 250), array[10]), null),
  (array_fill(repeat('a', 500), array[11]),
    'settings.subtitles must be at most 5000 characters together where burn_in is true')) as examples (texts, issue);
select is(pg_temp.issues('sounding', pg_temp.drawn('한글') || '{"burn_in": false}'), null,
  'beside the video every character is right');

-- Their price, and what a video without them costs.
select is(public.quote_generation('00000000-0000-4000-8000-000000000006', settings) -> 'credits', to_jsonb(credits),
  format('%s costs %s', settings, credits))
from (values
  ('{"enable_subtitles": true}'::jsonb, 10), ('{"burn_in": true}', 6410),
  ('{"burn_in": true, "deliver_without": ["subtitles"]}', 6410)) as priced (settings, credits);
select is(
  (select step - 'input' from jsonb_array_elements(pg_temp.steps('sounding', pg_temp.drawn('Hi')
    || jsonb_build_object('deliver_without', spare))) as step where step ->> 'name' = 'subtitles') -> 'optional',
  to_jsonb(spare ? 'subtitles'), format('with %s spared', spare))
from unnest(array['[]', '["music"]', '["subtitles"]']::jsonb[]) as spare;
update public.pipeline_steps set is_available = false where name = 'subtitles';
select is(pg_temp.issues('sounding', pg_temp.drawn('Hi')),
  'settings.burn_in must be false: it is not available at the moment', 'a step that is switched off is refused');
select is(pg_temp.issues('sounding', pg_temp.drawn('Hi') || '{"burn_in": false}'), null,
  'subtitles beside the video need no step');
update public.pipeline_steps set is_available = name <> 'mix';
select is(pg_temp.issues('sounding', pg_temp.sounding()),
  'settings.enable_music must be false: it is not available at the moment; '
  'settings.enable_voiceover must be false: it is not available at the moment',
  'without a mix there is neither voice nor music');
update public.pipeline_steps set is_available = name not in ('join', 'trim');
select is(pg_temp.issues('transition', jsonb_build_object('duration', duration)), issue, format('%s seconds: %s', duration, issue))
from (values (2, 'settings.duration must be 3 to 15'), (3, null), (15, null), (16, 'settings.duration must be 3 to 15'))
  as examples (duration, issue);

-- A provider whose files only we can open.
update public.pipeline_steps set is_available = true;
update public.models set files_are_public = false where name = 'Test sounding';
select is(
  jsonb_path_query_array(pg_temp.steps('sounding', pg_temp.drawn('Hi') || pg_temp.sounding()),
    '$[*] ? (@.name == "mix" || @.name == "subtitles").input.**{1 to 6} ? (exists (@.stored_video))'),
  '[{"stored_video": true}, {"stored_video": true}]',
  'every step after its runs gets our own copy');

select * from finish();
rollback;
