-- What a visitor and a signed-in user reach through the Data API.
begin;
select plan(71);
\ir support/jobs.psql

select pg_temp.start('cat'), pg_temp.start('dog', '{"prompt": "a dog"}', pg_temp.b());
insert into storage.objects (bucket_id, name) values
  ('videos', '00000000-0000-4000-8000-00000000000a/cat.mp4'),
  ('videos', '00000000-0000-4000-8000-00000000000b/dog.mp4'),
  ('videos', 'loose.mp4'),
  ('inputs', '00000000-0000-4000-8000-00000000000a/cat.png');
insert into storage.buckets (id, name) values ('elsewhere', 'elsewhere');
insert into storage.objects (bucket_id, name) values ('elsewhere', '00000000-0000-4000-8000-00000000000a/cat.mp4');

create function pg_temp.forbids(p_what text, p_statement text)
returns text language sql as $$
  select throws_ok(p_statement, '42501', null, current_user || ' cannot ' || p_what);
$$;

-- Every way to write, as each of the two roles.
create function pg_temp.forbids_every_change()
returns setof text language sql as $$
  select pg_temp.forbids('insert into ' || name, format('insert into %s default values', name))
  from unnest(array['public.credit_balances', 'public.quota_log', 'public.video_jobs', 'public.models',
    'public.pipeline_steps', 'public.app_settings', 'public.idempotency_log', 'private.job_queue']) as name
  union all
  select pg_temp.forbids('change ' || name, format('update %s set %s', name, assignment))
  from (values ('public.credit_balances', 'credits_remaining = 1000000'), ('public.quota_log', 'change = 1000000'),
    ('public.video_jobs', 'prompt = prompt'), ('public.models', 'cost_per_second = 1'),
    ('public.pipeline_steps', 'credits = 0'),
    ('public.app_settings', 'welcome_credits = 1000000')) as change (name, assignment)
  union all
  select pg_temp.forbids('delete from ' || name, format('delete from %s', name))
  from unnest(array['public.credit_balances', 'public.quota_log', 'public.video_jobs', 'public.models',
    'public.pipeline_steps']) as name
  union all
  select pg_temp.forbids('call ' || call, 'select public.' || call)
  from unnest(array[
    $f$add_credits('00000000-0000-4000-8000-00000000000a', 1000000, 'mint')$f$,
    $f$deduct_credits('00000000-0000-4000-8000-00000000000b', 1)$f$,
    $f$start_generation('00000000-0000-4000-8000-00000000000b', 'k', 'h', '{}')$f$,
    $f$fail_job(gen_random_uuid(), 1, 'x', 'x')$f$,
    $f$read_job('00000000-0000-4000-8000-00000000000b', gen_random_uuid())$f$]) as call;
$$;

-- The price of a long transition with all extras: it calls every function of the price.
create function pg_temp.quote_of_extras()
returns jsonb language sql as $$
  select public.quote_generation('6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000e',
    '{"duration": 31, "enable_music": true, "enable_voiceover": true, "voiceover_text": "Hello"}')
$$;

set local role authenticated;
set local request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a","role":"authenticated"}';

select results_eq(
  'select user_id::text, credits_remaining from public.credit_balances',
  $$ values ('00000000-0000-4000-8000-00000000000a', 18::bigint) $$,
  'a user reads their own balance and no other');
select results_eq(
  'select change, reason from public.quota_log order by id',
  $$ values (20, 'welcome_credits'), (-2, 'video_generation') $$,
  'a user reads their own ledger and no other');
select results_eq('select prompt from public.video_jobs', array['a cat'], 'a user reads their own jobs and no others');
select isnt_empty('select from public.models', 'a user reads the catalogue');
select isnt_empty('select from public.pipeline_steps', 'a user reads what extras cost');
select pg_temp.forbids('read ' || name, format('select from %s', name))
from unnest(array['public.app_settings', 'public.idempotency_log', 'private.job_queue']) as name;
-- A user who can read a file with their own token can also sign an address that is valid for years.
select is_empty('select name from storage.objects', 'a user reads no file, not even in their own folders');
select pg_temp.forbids(
  'put a file into Storage',
  $$ insert into storage.objects (bucket_id, name) values ('videos', '00000000-0000-4000-8000-00000000000a/x.mp4') $$);
select lives_ok(
  $$ update storage.objects set name = 'moved' $$, 'a change of files by a user affects no file');
select lives_ok(
  $$ select public.quote_generation('00000000-0000-4000-8000-000000000001') $$, 'a user may ask for a price');
select isnt(pg_temp.quote_of_extras() -> 'credits', null, 'a user may ask for the price of extras');
select * from pg_temp.forbids_every_change();

set local role anon;
set local request.jwt.claims = '{"role":"anon"}';

select isnt_empty('select from public.models', 'a visitor reads the catalogue');
select isnt_empty('select from public.pipeline_steps', 'a visitor reads what extras cost');
select lives_ok(
  $$ select public.quote_generation('00000000-0000-4000-8000-000000000001') $$, 'a visitor may ask for a price');
select isnt(pg_temp.quote_of_extras() -> 'credits', null, 'a visitor may ask for the price of extras');
select pg_temp.forbids('read ' || name, format('select from %s', name))
from unnest(array['public.credit_balances', 'public.quota_log']) as name;
select is_empty('select job_id from public.video_jobs', 'a visitor sees no job');
select pg_temp.forbids('read prompts', 'select prompt from public.video_jobs');
select is_empty('select from storage.objects', 'a visitor reads no file');
select * from pg_temp.forbids_every_change();

reset role;
select results_eq(
  $$ select bucket_id, name from storage.objects order by bucket_id, name $$,
  $$ values ('elsewhere', '00000000-0000-4000-8000-00000000000a/cat.mp4'),
    ('inputs', '00000000-0000-4000-8000-00000000000a/cat.png'),
    ('videos', '00000000-0000-4000-8000-00000000000a/cat.mp4'),
    ('videos', '00000000-0000-4000-8000-00000000000b/dog.mp4'), ('videos', 'loose.mp4') $$,
  'no file was moved, added or deleted');
select * from finish();
rollback;
