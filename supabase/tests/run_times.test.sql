-- Progress that moves as the run does.
begin;
select plan(19);
\ir support/jobs.psql

update public.models set typical_seconds = 120 where name = 'Test';

create function pg_temp.travel(p_seconds numeric) returns void language sql as
  $$ select set_config('test.now', (private.clock() + make_interval(secs => p_seconds))::text, true) $$;
-- What a poll reads some seconds later.
create function pg_temp.look(p_name text, p_seconds numeric, p_stage text default 'generating')
returns integer language sql as $$
  select pg_temp.travel(p_seconds);
  select (public.record_progress(pg_temp.job(p_name), 1, p_stage) #>> '{job,progress,percent}')::integer
$$;
create function pg_temp.finish(p_name text) returns integer language sql as $$
  select (public.advance_step(pg_temp.job(p_name), 1, '{"video_url": "https://provider.test/v.mp4"}')
    #>> '{job,progress,percent}')::integer
$$;
create function pg_temp.learnt() returns numeric language sql as
  $$ select round(seconds, 1) from private.run_times where model = 'test' $$;

-- The first run of a model has nothing but the row's word for it.
select pg_temp.start('first'), pg_temp.submit('first');
select is(pg_temp.look('first', 2), 1, 'the row says 120 seconds, and two are gone');
select pg_temp.travel(2);
select is(pg_temp.finish('first'), 95, 'but it took four, and what is left is storing');
select is(pg_temp.learnt(), 96.8, 'which counts a fifth');

-- The next ones are told by what was learnt.
update private.run_times set seconds = 4 where model = 'test';
select pg_temp.start('second'), pg_temp.submit('second');
select is(pg_temp.look('second', 0), 0, 'a run begins at nothing');
select is(pg_temp.look('second', 1), 19, 'moves on');
select is(pg_temp.look('second', 1), 38, 'evenly');
select is(pg_temp.look('second', 1), 57, 'as time goes by');
select is(pg_temp.look('second', 1), 76, 'up to its usual end');
select is(pg_temp.look('second', 4), 81, 'ever slower where it takes longer');
select is(pg_temp.look('second', 3600), 85, 'and not to the end before its end');
select is(pg_temp.finish('second'), 95, 'which is then told');
select is(pg_temp.learnt(), 4.8, 'an hour that one run took moves the average by a fifth, no more');

-- Waiting is not running.
select pg_temp.start('third'), pg_temp.submit('third');
select is(pg_temp.look('third', 600, 'queued'), 0, 'a run that waits for ten minutes has not begun');
select is(pg_temp.look('third', 2), 30, 'and begins when it begins');
select is(pg_temp.look('third', 1, 'queued'), 30, 'one that lost its runner waits again and does not go back');
select pg_temp.travel(3);
select pg_temp.finish('third');
select is(pg_temp.learnt(), 4.4, 'and its wait is not counted');

-- Nobody waits for an average, nor is one ever nothing.
select private.learn_run_time('{"provider": "fal", "model": "test", "typical_seconds": 9}', 0) from generate_series(1, 50);
select is(pg_temp.learnt(), 1.0, 'no run is thought to take no time');
select is(
  private.with_run_times('[{"name": "a", "provider": "fal", "model": "test", "typical_seconds": 9},
    {"name": "b", "provider": "fal", "model": "unknown", "typical_seconds": 9}]'),
  '[{"name": "a", "provider": "fal", "model": "test", "typical_seconds": 1},
    {"name": "b", "provider": "fal", "model": "unknown", "typical_seconds": 9}]',
  'steps keep their order, and their row''s word where nothing is known');
select is_empty('select * from public.audit_credits()', 'the books balance');
select * from finish();
rollback;
