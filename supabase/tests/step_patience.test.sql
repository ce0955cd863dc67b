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
  'a step that the video may do without is looked at when its patience is over, whatever the delay');
select public.schedule_retry(pg_temp.job('slow'), 2, 1000);
select is((pg_temp.queued('slow')).next_check_at, '2030-01-01 12:03:00+00', 'before its next attempt too');
set local test.now = '2030-01-01 12:02:59+00';
select is(public.lease_job(pg_temp.job('slow')), null, 'not before that');
select public.record_submission(pg_temp.job('late'), 1, 'run of voiceover');
set local test.now = '2030-01-01 12:03:00+00';
create temp table answer as select public.lease_job(pg_temp.job('slow')) as json;
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
select pg_temp.make_step('late');
select is(
  (pg_temp.queued('late')).step_deadline_at, (pg_temp.queued('late')).deadline_at,
  'no step is waited for beyond the deadline of its job');
select pg_temp.skip('late');
select is(pg_temp.at('late'), 'generate', 'and the picture goes on without it');
set local test.now = '2030-01-01 12:00:00+00';

-- Webhooks of steps that are over.
select pg_temp.start_transition('woken', pg_temp.sounding('["music"]'));
select pg_temp.make_step('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 1, 'run of voiceover'), '{"outcome": "finished", "same_run": true}',
  'a webhook of the run that made an earlier step is told that it is over');
select is(
  public.wake_job(pg_temp.job('woken'), 1, 'another') -> 'same_run', 'false',
  'one of another run that it was not this one');
select public.record_submission(pg_temp.job('woken'), 2, 'run of music');
select pg_temp.skip('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 2, 'run of music'), '{"outcome": "finished", "same_run": false}',
  'a run whose step was left out made nothing that is delivered');
select is((pg_temp.queued('woken')).attempt, 3, 'and neither takes the place of the next step''s');
select is((pg_temp.queued('woken')).provider_job_id, null, 'nor its run');
select pg_temp.deliver('woken');
select is(
  public.wake_job(pg_temp.job('woken'), 3, 'run of generate'), '{"outcome": "finished", "same_run": true}',
  'so it is after the end');

select * from finish();
rollback;
