begin;
select plan(24);
\ir support/jobs.psql


-- The run that the job waits for.
select pg_temp.start('running');
select public.record_submission(pg_temp.job('running'), 1, 'run-1');
create temp table woken as select public.wake_job(pg_temp.job('running'), 1, 'run-1') as answer;
select is(answer ->> 'outcome', 'woken', 'a webhook of the current run wakes the job') from woken;
select is(answer #>> '{leased_job,action}', 'check', 'whose run is to be checked, not believed') from woken;
select is(
  public.wake_job(pg_temp.job('running'), 1, 'run-1'), '{"outcome": "woken", "leased_job": null}',
  'a repeated webhook does not take the job from its worker');
select is((pg_temp.queued('running')).next_check_at, '2030-01-01 12:00:00+00', 'but the job stays due after it');

-- A submission whose answer was lost.
select pg_temp.start('lost');
update woken set answer = public.wake_job(pg_temp.job('lost'), 1, 'run-lost');
select is(answer ->> 'outcome', 'woken',
  'a webhook of a submission whose answer was lost tells that it was accepted') from woken;
select is((pg_temp.queued('lost')).provider_job_id, 'run-lost', 'its run is adopted');
select is((pg_temp.queued('lost')).attempt, 1, 'without another attempt');
select is(
  public.record_submission(pg_temp.job('lost'), 1, 'run-lost') -> 'applied', 'true',
  'the answer that comes after all is no contradiction');

-- Another run than the current one.
select pg_temp.start('late');
select public.schedule_retry(pg_temp.job('late'), 1, 0);
select is(
  public.wake_job(pg_temp.job('late'), 1, 'run-1') ->> 'outcome', 'late_run',
  'a webhook of an attempt that was given up tells of a late run');
select public.lease_job(pg_temp.job('late'));
select public.record_submission(pg_temp.job('late'), 2, 'run-2');
update woken set answer = public.wake_job(pg_temp.job('late'), 1, 'run-1');
select is(answer ->> 'outcome', 'late_run', 'and so does one that comes while the next attempt runs') from woken;
select is((pg_temp.queued('late')).provider_job_id, 'run-2', 'the current run stays the current one');
update woken set answer = public.adopt_run(pg_temp.job('late'), 2, 'run-1');
select is(answer ->> 'abandoned_provider_job_id', 'run-2', 'a late run that has succeeded takes its place') from woken;
select is(answer #>> '{leased_job,provider_job_id}', 'run-1', 'and is the one to deliver') from woken;
select is(answer #>> '{leased_job,attempt}', '3', 'as an attempt of its own') from woken;
select is(
  public.advance_step(pg_temp.job('late'), 2, '{"video_url": "x"}') -> 'applied', 'false',
  'so that the worker of the abandoned run is too late');
select is(public.adopt_run(pg_temp.job('late'), 2, 'run-0'), null, 'a run is adopted from the current attempt only');
select public.advance_step(pg_temp.job('late'), 3, '{"video_url": "x"}');
select is(public.adopt_run(pg_temp.job('late'), 3, 'run-2'), null, 'and not once there is a video');
select is(
  public.wake_job(pg_temp.job('late'), 3, 'run-1'), '{"outcome": "finished", "same_run": true}',
  'a run whose video is being stored has nothing more to tell');

-- Nothing to wake.
select public.complete_job(pg_temp.job('late'), 3, 'late.mp4');
select is(
  public.wake_job(pg_temp.job('late'), 3, 'run-1'), '{"outcome": "finished", "same_run": true}',
  'a webhook of a finished job is told so');
select is(
  public.wake_job(pg_temp.job('late'), 2, 'run-2') -> 'same_run', 'false', 'and whether it was its run');
select is(public.adopt_run(pg_temp.job('late'), 3, 'run-2'), null, 'a finished job adopts nothing');
select pg_temp.start('failed');
select public.record_submission(pg_temp.job('failed'), 1, 'run-1');
select public.fail_job(pg_temp.job('failed'), 1, 'cancelled', 'x');
select is(
  public.wake_job(pg_temp.job('failed'), 1, 'run-1'), '{"outcome": "finished", "same_run": true}',
  'a webhook of a job that failed meanwhile is told so');
select is(public.wake_job(gen_random_uuid(), 1, 'run'), null, 'an unknown job is not there');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
