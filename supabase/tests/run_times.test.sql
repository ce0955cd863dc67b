-- Progress by the time that runs of a model took before.
begin;
select plan(19);
\ir support/jobs.psql

update public.models set typical_seconds = 120 where name = 'Test';

create function pg_temp.travel(p_seconds numeric) returns void language sql as
  $$ select set_config('test.now', (private.clock() + make_interval(secs => p_seconds))::text, true) $$;
-- What a poll reads some seconds later.
create function pg_temp.progress_after(p_name text, p_seconds numeric, p_stage text default 'generating')
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

-- The first run of a model has only the typical time of the catalogue.
select pg_temp.start('first'), pg_temp.submit('first');
select is(pg_temp.progress_after('first', 2), 1, 'the first run is estimated from the typical time of the catalogue');
select pg_temp.travel(2);
select is(pg_temp.finish('first'), 95, 'the end of a run is 95 percent');
select is(pg_temp.learnt(), 96.8, 'a run counts a fifth of the average');

-- The next runs are estimated by the average.
update private.run_times set seconds = 4 where model = 'test';
select pg_temp.start('second'), pg_temp.submit('second');
select is(pg_temp.progress_after('second', 0), 0, 'a run begins at 0 percent');
select is(pg_temp.progress_after('second', 1), 19, 'the percent after one second');
select is(pg_temp.progress_after('second', 1), 38, 'the percent after two seconds grows evenly');
select is(pg_temp.progress_after('second', 1), 57, 'the percent after three seconds grows evenly');
select is(pg_temp.progress_after('second', 1), 76, 'the percent after the usual time of the run');
select is(pg_temp.progress_after('second', 4), 81, 'the percent grows more slowly after the usual time');
select is(pg_temp.progress_after('second', 3600), 85, 'the percent of a run that has not ended stays below its end');
select is(pg_temp.finish('second'), 95, 'the end of a long run is 95 percent');
select is(pg_temp.learnt(), 4.8, 'a very long run moves the average by a fifth, no more');

-- The time in the queue of the provider does not count.
select pg_temp.start('third'), pg_temp.submit('third');
select is(pg_temp.progress_after('third', 600, 'queued'), 0, 'the time in the queue of the provider is not progress');
select is(pg_temp.progress_after('third', 2), 30, 'the percent begins when the run starts');
select is(pg_temp.progress_after('third', 1, 'queued'), 30, 'a run that is queued again keeps its percent');
select pg_temp.travel(3);
select pg_temp.finish('third');
select is(pg_temp.learnt(), 4.4, 'the time in the queue does not count for the average');

-- The bounds of an average.
select private.learn_run_time('{"provider": "fal", "model": "test", "typical_seconds": 9}', 0) from generate_series(1, 50);
select is(pg_temp.learnt(), 1.0, 'the average is at least one second');
select is(
  private.with_run_times('[{"name": "a", "provider": "fal", "model": "test", "typical_seconds": 9},
    {"name": "b", "provider": "fal", "model": "unknown", "typical_seconds": 9}]'),
  '[{"name": "a", "provider": "fal", "model": "test", "typical_seconds": 1},
    {"name": "b", "provider": "fal", "model": "unknown", "typical_seconds": 9}]',
  'steps keep their order, and their typical time where no run was measured');
select is_empty('select * from public.audit_credits()', 'the books balance');
select * from finish();
rollback;
