-- How long a video waits for an extra, and webhooks of steps that have ended.
begin;
select plan(17);
\ir support/steps.psql

-- Patience.
select pg_temp.start_transition('slow', pg_temp.sounding('["music"]'));
select pg_temp.start_transition('late', pg_temp.sounding('["music", "voiceover"]'));
select pg_temp.make_step('slow');
select public.record_submission(pg_temp.job('slow'), 2, 'run of music');
select public.postpone(pg_temp.job('slow'), 2, 1000);
select is(
  (pg_temp.queued('slow')).next_check_at, '2030-01-01 12:03:00+00',
  'an optional step is checked when its patience is over, even if the delay is longer');
select public.schedule_retry(pg_temp.job('slow'), 2, 1000);
select is((pg_temp.queued('slow')).next_check_at, '2030-01-01 12:03:00+00',
  'a retry of an optional step is due when its patience is over');
set local test.now = '2030-01-01 12:02:59+00';
select is(public.lease_job(pg_temp.job('slow')), null, 'an optional step is not due before its patience is over');
select public.record_submission(pg_temp.job('late'), 1, 'run of voiceover');
set local test.now = '2030-01-01 12:03:00+00';
create temp table answer as select public.lease_job(pg_temp.job('slow')) as json;
select is(json ->> 'action', 'expire', 'an optional step expires when its patience is over') from answer;
select is(json ->> 'past_deadline', 'false', 'an optional step expires before the deadline of its job') from answer;
select is(json ->> 'attempt', '2', 'an expired step opens no attempt') from answer;
select is(
  public.skip_step(pg_temp.job('slow'), 2) #>> '{leased_job,action}', 'submit',
  'the step after an expired one is submitted');
update private.job_queue set next_check_at = private.clock(), lease_until = null where job_id = pg_temp.job('slow');
select is(
  public.lease_job(pg_temp.job('slow')) ->> 'action', 'submit', 'a required step does not expire before the deadline');
select is(
  public.lease_job(pg_temp.job('late')) ->> 'action', 'expire',
  'a running optional step expires when its patience is over');
select set_config('test.now', (deadline_at - interval '10 seconds')::text, true) from pg_temp.queued('late');
select pg_temp.make_step('late');
select is(
  (pg_temp.queued('late')).step_deadline_at, (pg_temp.queued('late')).deadline_at,
  'no step has a deadline after that of its job');
select pg_temp.skip('late');
select is(pg_temp.at('late'), 'generate', 'the picture is made without the expired step');
set local test.now = '2030-01-01 12:00:00+00';

-- Webhooks of steps that have ended.
select pg_temp.start_transition('woken', pg_temp.sounding('["music"]'));
select pg_temp.make_step('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 1, 'run of voiceover'), '{"outcome": "finished", "same_run": true}',
  'a webhook of the run that made an earlier step has nothing to do');
select is(
  public.wake_job(pg_temp.job('woken'), 1, 'another') -> 'same_run', 'false',
  'a webhook of another run of an earlier step is not the run that made it');
select public.record_submission(pg_temp.job('woken'), 2, 'run of music');
select pg_temp.skip('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 2, 'run of music'), '{"outcome": "finished", "same_run": false}',
  'a webhook of a skipped step is not the run that made it');
select is((pg_temp.queued('woken')).attempt, 3, 'webhooks of earlier steps do not change the attempt');
select is((pg_temp.queued('woken')).provider_job_id, null, 'webhooks of earlier steps do not set the run');
select pg_temp.deliver('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 3, 'run of generate'), '{"outcome": "finished", "same_run": true}',
  'a webhook of an earlier step has nothing to do after the delivery');

select * from finish();
rollback;
