begin;
select plan(29);
\ir support/jobs.psql


-- The current run.
select pg_temp.start('running');
select public.record_submission(pg_temp.job('running'), 1, 'run-1');
create temp table woken as select public.wake_job(pg_temp.job('running'), 1, 'run-1') as answer;
select is(answer ->> 'outcome', 'woken', 'a webhook of the current run wakes the job') from woken;
select is(answer #>> '{leased_job,action}', 'check', 'a woken job is to be checked at the provider') from woken;
select is(
  public.wake_job(pg_temp.job('running'), 1, 'run-1'), '{"outcome": "woken", "leased_job": null}',
  'a repeated webhook does not take the job from its worker');
select is((pg_temp.queued('running')).next_check_at, '2030-01-01 12:00:00+00', 'a job that was woken twice stays due');

-- A submission without an answer.
select pg_temp.start('lost');
update woken set answer = public.wake_job(pg_temp.job('lost'), 1, 'run-lost');
select is(answer ->> 'outcome', 'woken',
  'a webhook of a submission without an answer wakes the job') from woken;
select is((pg_temp.queued('lost')).provider_job_id, 'run-lost',
  'a submission without an answer gets the run of its webhook');
select is((pg_temp.queued('lost')).attempt, 1, 'a submission without an answer is not submitted again');
select is(
  public.record_submission(pg_temp.job('lost'), 1, 'run-lost') -> 'applied', 'true',
  'the late answer of that submission is applied');

-- A late run.
select pg_temp.start('late');
select public.schedule_retry(pg_temp.job('late'), 1, 0);
select is(
  public.wake_job(pg_temp.job('late'), 1, 'run-1') ->> 'outcome', 'late_run',
  'a webhook of an attempt that was given up is of a late run');
select public.lease_job(pg_temp.job('late'));
select public.record_submission(pg_temp.job('late'), 2, 'run-2');
update woken set answer = public.wake_job(pg_temp.job('late'), 1, 'run-1');
select is(answer ->> 'outcome', 'late_run',
  'a webhook of an earlier attempt is of a late run while the next attempt runs') from woken;
select is((pg_temp.queued('late')).provider_job_id, 'run-2', 'a webhook of a late run does not change the current run');
update woken set answer = public.adopt_run(pg_temp.job('late'), 2, 'run-1');
select is(answer ->> 'abandoned_provider_job_id', 'run-2',
  'a late run that has succeeded replaces the current run') from woken;
select is(answer #>> '{leased_job,provider_job_id}', 'run-1', 'an adopted run is the one to deliver') from woken;
select is(answer #>> '{leased_job,attempt}', '3', 'an adopted run is an attempt of its own') from woken;
select is(
  public.advance_step(pg_temp.job('late'), 2, '{"video_url": "x"}') -> 'applied', 'false',
  'the worker of the abandoned run changes nothing');
select is(public.adopt_run(pg_temp.job('late'), 2, 'run-0'), null, 'a run is adopted from the current attempt only');
select public.advance_step(pg_temp.job('late'), 3, '{"video_url": "x"}');
select is(public.adopt_run(pg_temp.job('late'), 3, 'run-2'), null, 'no run is adopted when the video is made');
select is(
  public.wake_job(pg_temp.job('late'), 3, 'run-1'), '{"outcome": "finished", "same_run": true}',
  'a webhook of a run whose video is being stored has nothing to do');

-- Jobs that have ended.
select public.complete_job(pg_temp.job('late'), 3, 'late.mp4');
select is(
  public.wake_job(pg_temp.job('late'), 3, 'run-1'), '{"outcome": "finished", "same_run": true}',
  'a webhook of a delivered job has nothing to do');
select is(
  public.wake_job(pg_temp.job('late'), 2,
  'run-2') -> 'same_run', 'false', 'a webhook of a delivered job says whether the run was its own');
select is(public.adopt_run(pg_temp.job('late'), 3, 'run-2'), null, 'a finished job adopts nothing');
select pg_temp.start('failed');
select public.record_submission(pg_temp.job('failed'), 1, 'run-1');
select public.fail_job(pg_temp.job('failed'), 1, 'cancelled', 'x');
select is(
  public.wake_job(pg_temp.job('failed'), 1, 'run-1'), '{"outcome": "finished", "same_run": true}',
  'a webhook of a failed job has nothing to do');
select is(public.wake_job(gen_random_uuid(), 1, 'run'), null, 'an unknown job is not found');
select is_empty('select * from public.audit_credits()', 'the books balance');

-- A webhook whose address names no job.
select pg_temp.start('unnamed');
select public.record_submission(pg_temp.job('unnamed'), 1, 'run-unnamed');
select is(public.wake_run('runpod', 'run-unnamed'), null, 'a run of another provider is not found');
select is(public.wake_run('fal', 'run-unknown'), null, 'a run of no job is not found');
select is(public.wake_run('fal', null), null, 'no run is not found');
update woken set answer = public.wake_run('fal', 'run-unnamed');
select is(
  answer - 'leased_job', jsonb_build_object('job_id', pg_temp.job('unnamed'), 'attempt', 1, 'outcome', 'woken'),
  'a webhook that names the current run alone wakes its job') from woken;
select is(answer #>> '{leased_job,action}', 'check', 'such a job is to be checked at the provider') from woken;

select * from finish();
rollback;
