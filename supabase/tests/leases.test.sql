begin;
select plan(57);
\ir support/jobs.psql

-- Where the rows of a job are: any write moves them. Their xmin would not change within the transaction of this test.
create function pg_temp.places(p_name text) returns text language sql as $$
  select concat_ws(' ', video_jobs.ctid, job_queue.ctid)
  from public.video_jobs join private.job_queue using (job_id) where node_id = p_name
$$;

-- Due or not.
select pg_temp.start('one');
select is(public.lease_job(pg_temp.job('one')), null, 'a job whose submission is under way is not due');
select is_empty('select public.lease_due_jobs(10)', 'no worker gets a job whose submission is under way');
set local test.now = '2030-01-01 12:01:59+00';
select is(public.lease_job(pg_temp.job('one')), null, 'a lost submission is not due within its grace time');
set local test.now = '2030-01-01 12:02:00+00';
create temp table leased as select public.lease_job(pg_temp.job('one'), 60) as leased_job;
select is(leased_job ->> 'action', 'submit', 'after the grace time the job is submitted again') from leased;
select is(leased_job ->> 'attempt', '2', 'a lost submission is submitted as the next attempt') from leased;
select is((pg_temp.queued('one')).submitted_at, '2030-01-01 12:02:00+00',
  'the time of an attempt is noted before its submission');
select is((pg_temp.queued('one')).next_check_at, '2030-01-01 12:04:00+00', 'each attempt has its own grace time');
select is((pg_temp.queued('one')).lease_until, '2030-01-01 12:03:00+00', 'a lease lasts as long as the caller asks');

-- Running.
select public.record_submission(pg_temp.job('one'), 2, 'run-2');
set local test.now = '2030-01-01 12:02:11+00';
select is(public.lease_job(pg_temp.job('one')), null, 'a running job is not due before its pause is over');
set local test.now = '2030-01-01 12:02:15+00';
update leased set leased_job = public.lease_job(pg_temp.job('one'), 60);
select is(leased_job ->> 'action', 'check', 'a running job that is due is to be checked') from leased;
select is(leased_job ->> 'attempt', '2', 'a check is not an attempt') from leased;
select is(leased_job ->> 'provider_job_id', 'run-2', 'a leased job names the run to check') from leased;
select is((pg_temp.queued('one')).next_check_at, '2030-01-01 12:02:30+00',
  'long before the expected end the pause between checks is the longest');
select is(public.open_attempt(pg_temp.job('one'), 2), null, 'a running job is not submitted again');

-- Leases.
set local test.now = '2030-01-01 12:03:14+00';
select is(public.lease_job(pg_temp.job('one')), null, 'a leased job is not leased again, even if it is due');
select is_empty('select public.lease_due_jobs(10)', 'no worker gets a leased job');
set local test.now = '2030-01-01 12:03:15+00';
select isnt(public.lease_job(pg_temp.job('one'), 60), null, 'a job whose lease has expired is leased again');
set local test.now = '2030-01-01 13:00:00+00';
select pg_temp.start('late'), pg_temp.start('later');
select public.record_submission(pg_temp.job(name), 1, name) from unnest(array['late', 'later']) as name;
update private.job_queue set next_check_at = '2030-01-01 12:30:00+00' where job_id = pg_temp.job('late');
update private.job_queue set next_check_at = '2030-01-01 12:31:00+00' where job_id = pg_temp.job('later');
update private.job_queue set next_check_at = '2030-01-01 13:30:00+00' where job_id = pg_temp.job('one');
select results_eq(
  $$ select leased_job ->> 'provider_job_id' from public.lease_due_jobs(1) as leased_job $$, array['late'],
  'a worker gets as many jobs as it asked for, the most overdue first');
select results_eq(
  $$ select leased_job ->> 'provider_job_id' from public.lease_due_jobs(10) as leased_job $$, array['later'],
  'the next worker gets the other jobs that are due');

-- Attempts.
select pg_temp.start('refused');
select public.schedule_retry(pg_temp.job('refused'), 1, 10);
set local test.now = '2030-01-01 13:00:09+00';
select is(public.lease_job(pg_temp.job('refused')), null, 'a retry waits for its delay');
set local test.now = '2030-01-01 13:00:10+00';
select is(public.lease_job(pg_temp.job('refused')) ->> 'attempt', '2', 'a retry is the next attempt');
select is(
  public.open_attempt(pg_temp.job('refused'), 1), null, 'a stale worker does not open an attempt');
select is(
  public.open_attempt(pg_temp.job('refused'), 2) ->> 'attempt', '3',
  'the worker that has the job may open the next one at once');
select is(
  public.open_attempt(pg_temp.job('refused'), 3) ->> 'attempts_left', '0', 'the fourth attempt is the last');
select is(public.open_attempt(pg_temp.job('refused'), 4), null, 'no attempt is opened after the last');
set local test.now = '2030-01-01 13:02:10+00';
update leased set leased_job = public.lease_job(pg_temp.job('refused'));
select is(leased_job ->> 'action', 'give_up', 'a job without attempts left is given up') from leased;
select is(leased_job ->> 'attempt', '4', 'giving up opens no attempt') from leased;
select public.record_submission(pg_temp.job('refused'), 4, 'run-4');
select is(public.open_attempt(pg_temp.job('refused'), 4), null, 'an accepted submission is not sent again');

select pg_temp.start('ended');
select public.fail_job(pg_temp.job('ended'), 1, 'timeout', 'x');
select is(
  public.open_attempt(pg_temp.job('ended'), 1), null, 'a job that ended meanwhile is not submitted again');

-- The deadline.
select pg_temp.start('old'), pg_temp.start('lost');
select public.record_submission(pg_temp.job('old'), 1, 'run-old');
set local test.now = '2030-01-01 13:32:10+00';
select is(public.lease_job(pg_temp.job('old')) ->> 'action', 'expire', 'a running job expires at its deadline');
select is(public.lease_job(pg_temp.job('lost')) ->> 'action', 'expire',
  'a job with a lost submission expires at its deadline');
select is((pg_temp.queued('lost')).attempt, 1, 'an expired job opens no attempt');

-- Storing.
select public.advance_step(pg_temp.job('old'), 1, '{"video_url": "https://provider.test/v.mp4"}');
set local test.now = '2030-01-01 13:37:09+00';
select is(public.lease_job(pg_temp.job('old')), null, 'a worker that copies a video has five minutes');
set local test.now = '2030-01-01 13:37:10+00';
update leased set leased_job = public.lease_job(pg_temp.job('old'), 60);
select is(leased_job ->> 'action', 'store',
  'a video that is not stored yet is stored even after the deadline') from leased;
select is(leased_job ->> 'past_deadline', 'true', 'a leased job says that its deadline is over') from leased;
select is((pg_temp.queued('old')).lease_until, '2030-01-01 13:42:10+00', 'a lease for storing is always five minutes');
select public.fail_job(pg_temp.job('old'), 1, 'timeout', 'x');
set local test.now = '2031-01-01 12:00:00+00';
select is(public.lease_job(pg_temp.job('old')), null, 'a job that has ended is never due');

-- Copies and other jobs are leased apart.
set local test.now = '2031-02-01 12:00:00+00';
update private.job_queue set next_check_at = null, lease_until = null;
select pg_temp.start(name) from unnest(array['look', 'copy', 'copy 2']) as name;
select public.record_submission(pg_temp.job(name), 1, name) from unnest(array['look', 'copy', 'copy 2']) as name;
select public.advance_step(pg_temp.job(name), 1, '{"video_url": "https://provider.test/v.mp4"}')
from unnest(array['copy', 'copy 2']) as name;
create function pg_temp.leased(p_limit integer, p_copies integer) returns text[] language sql as $$
  select array_agg(node_id order by node_id) from public.lease_due_jobs(p_limit, 60, p_copies) as leased
  join public.video_jobs on job_id = (leased ->> 'job_id')::uuid
$$;
set local test.now = '2031-02-01 12:06:00+00';
select is(pg_temp.leased(10, 0), array['look'], 'a worker that asks for no copy gets none');
update private.job_queue set lease_until = null, next_check_at = private.clock() where job_id = pg_temp.job('look');
select is(pg_temp.leased(0, 10), array['copy', 'copy 2'], 'a worker that asks for copies only gets no other job');
update private.job_queue set next_check_at = private.clock() where job_id = pg_temp.job('copy 2');
select is(pg_temp.leased(0, 10), null, 'no worker gets a copy that another one makes');
-- A worker that asks for more gets what was due when it began.
update private.job_queue set lease_until = null, next_check_at = '2031-02-01 12:06:00.4+00'
where job_id = pg_temp.job('look');
set local test.now = '2031-02-01 12:06:01+00';
select is_empty($$ select public.lease_due_jobs(10, 60, 0, '2031-02-01 12:06:00+00') $$,
  'a worker that asks for more gets only what was due when it began');
select is(pg_temp.leased(10, 10), array['look'], 'the next worker gets what was due later');
update private.job_queue set lease_until = null where job_id = pg_temp.job('look');
select is_empty($$ select public.lease_due_jobs(10, 60, 10, 'infinity') $$,
  'nobody gets what is not due yet, whatever time is named');
-- A worker that has no place for a copy leaves it.
update private.job_queue set lease_until = private.clock() + interval '1 minute' where job_id = pg_temp.job('look');
select is(public.advance_step(pg_temp.job('look'), 1, '{"video_url": "https://provider.test/v.mp4"}', p_leaves_copy => true)
  -> 'leased_job', 'null', 'a copy that a worker leaves is not leased to it');
select is((pg_temp.queued('look')).lease_until, null, 'a copy that is left is nobody''s');
select results_eq($$ select leased ->> 'action', leased ->> 'job_id'
  from public.lease_due_jobs(10, 60, 10, '2031-02-01 12:06:00+00') as leased $$,
  $$ values ('store', pg_temp.job('look')::text) $$, 'a copy that is left is due at once, also to a worker that has begun');
select public.fail_job(job_id, 1, 'timeout', 'x') from public.video_jobs where completed_at is null;

-- What a poll reads.
set local test.now = '2030-01-01 14:00:00+00';
select pg_temp.start('polled');
select public.record_submission(pg_temp.job('polled'), 1, 'run');
create temp table polled as select pg_temp.places('polled') as places;
create temp table answer as
select public.read_job(pg_temp.a(), pg_temp.job('polled')) as json;
select is(json #>> '{job,status}', 'processing', 'a poll reads the job') from answer;
select is(json -> 'leased_job', 'null', 'a poll does not lease a job that is not due') from answer;
select is(pg_temp.places('polled'), places, 'a poll of a job that is not due writes nothing') from polled;
select is(
  public.read_job(pg_temp.a(), null, 'polled') #> '{job,job_id}',
  to_jsonb(pg_temp.job('polled')), 'a job is found by its node');
select is(
  public.read_job(pg_temp.b(), pg_temp.job('polled')), null,
  'the job of another user is not found');
select is(
  public.read_job(pg_temp.b(), null, 'polled'), null, 'the node of another user is not found');
select is(
  public.read_job(pg_temp.a(), gen_random_uuid()), null, 'an unknown job is not found');
set local test.now = '2030-01-01 14:00:02+00';
select is(
  public.read_job(pg_temp.a(), pg_temp.job('polled')) #>> '{leased_job,action}', 'check',
  'a poll leases a job that is due');
select is(
  public.read_job(pg_temp.a(), pg_temp.job('polled')) -> 'leased_job', 'null',
  'the next poll does not lease it');
create temp table deleted as select pg_temp.job('polled') as job_id;
delete from public.video_jobs where node_id = 'polled';
select is(
  public.read_job(pg_temp.a(), job_id), null, 'a deleted job is not found') from deleted;

-- A node of another user may have the same name.
select pg_temp.start('shared name');
create temp table own as select pg_temp.job('shared name') as job_id;
set local test.now = '2030-01-01 14:00:03+00';
select pg_temp.start('shared name', p_user => pg_temp.b());
select is(public.read_job(pg_temp.a(), null, 'shared name') #>> '{job,job_id}', job_id::text,
  'a poll by a node finds the own job, not a newer one of another user''s node of that name') from own;

select * from finish();
rollback;
