begin;
select plan(36);
\ir support/jobs.psql
set local test.now = '2030-01-31 12:00:00+00';
update public.models set settings_schema = '{"settings": {"duration": {"values": [4], "default": 4}}}' where name = 'Test';
update public.app_settings set seconds_per_month = 20, generations_per_hour = 4;

create function pg_temp.id(p_name text) returns uuid language sql immutable as $$ select md5(p_name)::uuid $$;
create function pg_temp.start_by(p_user text, p_name text) returns text language sql as
  $$ select pg_temp.start(p_name, '{}', pg_temp.id(p_user)) ->> 'outcome' $$;
-- A user with this address and a hundred credits.
create function pg_temp.sign_up(p_name text, p_email text) returns void language sql as $$
  insert into auth.users (id, email, email_confirmed_at) values (pg_temp.id(p_name), p_email, now());
  select public.add_credits(pg_temp.id(p_name), 100, 'purchase');
$$;
create function pg_temp.run(p_name text) returns void language sql as
  $$ select public.record_submission(pg_temp.job(p_name), 1, 'run of ' || p_name) $$;
create function pg_temp.finish(p_name text) returns void language sql as $$
  select pg_temp.run(p_name);
  select public.advance_step(pg_temp.job(p_name), 1, '{"video_url": "https://example.com/x.mp4"}');
  select public.complete_job(pg_temp.job(p_name), 1, pg_temp.id('ann') || '/' || pg_temp.job(p_name) || '.mp4');
$$;
create function pg_temp.leave(p_name text) returns void language sql as
  $$ delete from auth.users where id = pg_temp.id(p_name) $$;

select pg_temp.sign_up('ann', 'ann@example.com');
select pg_temp.start_by('ann', 'done');
select pg_temp.finish('done');
select pg_temp.start_by('ann', 'running');
select pg_temp.run('running');
select pg_temp.start_by('ann', 'waiting');
select pg_temp.sign_up('bob', 'bob@example.com');
select pg_temp.start_by('bob', 'another''s');
insert into storage.buckets (id, name) values ('elsewhere', 'elsewhere');
insert into storage.objects (bucket_id, name) values
  ('inputs', pg_temp.id('ann') || '/a.png'), ('inputs', pg_temp.id('bob') || '/b.png'),
  ('elsewhere', pg_temp.id('ann') || '/c.png'), ('videos', pg_temp.id('ann') || '/' || pg_temp.job('done') || '.mp4');
create temp table jobs as
select node_id, job_id, (select count(*) from public.quota_log where user_id = pg_temp.id('ann')) as entries from public.video_jobs;

-- A deletion, as the dashboard does it.
select pg_temp.leave('ann');
select is_empty(
  format('select from %s where user_id = pg_temp.id(''ann'')', name), 'nothing of a user who was deleted is left in ' || name)
from unnest(array['public.video_jobs', 'public.credit_balances', 'public.idempotency_log', 'public.deleted_videos',
  'public.quota_log', 'private.monthly_usage', 'private.user_addresses']) as name;
select is_empty('select from private.job_queue where job_id in (select job_id from jobs where node_id <> ''another''''s'')',
  'nothing of a deleted user is left in the queue of jobs');
select results_eq(
  $$ select node_id, sum(change), count(*) from public.quota_log join jobs using (job_id)
    where node_id <> 'another''s' group by node_id order by node_id $$,
  $$ values ('done', -2::bigint, 1::bigint), ('running', 0, 2), ('waiting', 0, 2) $$,
  'what was not delivered is refunded, once');
select is(
  (select count(distinct user_id) from public.quota_log join jobs using (job_id) where node_id <> 'another''s'), 1::bigint,
  'the ledger of a deleted user has one new, anonymous user id');
select is_empty('select * from public.audit_credits()', 'the books balance after a user is deleted');
select is(
  (select entries + 2 from jobs limit 1),
  (select count(*) from public.quota_log where user_id in (
    select user_id from public.quota_log join jobs using (job_id) where node_id = 'done')),
  'no entry of the ledger is lost');
select results_eq(
  'select provider, model, provider_job_id, attempt from private.runs_to_cancel',
  $$ values ('fal', 'test', 'run of running', 1) $$, 'the run of a deleted user is to be cancelled');
select is(
  (select count(*) from private.files_to_delete join jobs on path like '%' || job_id || '%' where bucket = 'videos'),
  7::bigint, 'all files that the jobs have, or may have soon, are to be deleted');
select results_eq(
  $$ select bucket, path from private.files_to_delete where path like '%.png' $$,
  $$ values ('inputs', pg_temp.id('ann') || '/a.png') $$,
  'the uploads of a deleted user are to be deleted, in our buckets only');
select is(
  (select status from public.video_jobs where node_id = 'another''s'), 'pending', 'the job of another user continues');

-- The worker's list of runs to cancel.
select is(
  array(select public.lease_runs_to_cancel(10)),
  array[jsonb_build_object(
    'job_id', (select job_id from jobs where node_id = 'running'), 'attempt', 1, 'provider_job_id', 'run of running',
    'step', '{"provider": "fal", "model": "test"}'::jsonb, 'is_last_try', false)],
  'the worker gets the run to cancel');
select is_empty('select public.lease_runs_to_cancel(10)', 'no other worker gets the run before its next try');
select set_config('test.now', '2030-01-31 13:00:00+00', true);
select is((select public.lease_runs_to_cancel(10) ->> 'is_last_try'), 'false', 'the run is tried again after an hour');
update private.runs_to_cancel set tries = 4, next_try_at = private.clock();
select is((select public.lease_runs_to_cancel(10) ->> 'is_last_try'), 'true', 'the fifth try is the last');
select public.record_cancelled_run('fal', 'run of running');
select is_empty('select from private.runs_to_cancel', 'a cancelled run leaves the list');

-- A soft deletion leaves the row of the auth user and nothing else.
select pg_temp.run('another''s');
update auth.users set deleted_at = now(), email = 'obscured' where id = pg_temp.id('bob');
select is(
  (select count(*) from public.video_jobs where user_id = pg_temp.id('bob'))
    + (select count(*) from public.credit_balances where user_id = pg_temp.id('bob')), 0::bigint,
  'a softly deleted user is erased as well');
select is((select provider_job_id from private.runs_to_cancel), 'run of another''s',
  'the runs of a softly deleted user are to be cancelled');
update auth.users set email = 'obscured again' where id = pg_temp.id('bob');
select is_empty(
  $$ select from public.credit_balances where user_id = pg_temp.id('bob') $$,
  'a later change of the auth user does not open the account again');

-- Usage counts for the next user with the address, in any spelling.
set local test.now = '2030-01-31 20:00:00+00';
select pg_temp.sign_up('eve', 'eve@example.com');
select is(pg_temp.start_by('eve', 'eve ' || number), 'created', 'eve starts ' || number) from generate_series(1, 3) as number;
select pg_temp.leave('eve');
select pg_temp.sign_up('eve too', 'eve+2@example.com');
select is(pg_temp.start_by('eve too',
  'fourth'), 'created', 'the generations of the hour count for the next user with the address');
select is(pg_temp.start_by('eve too',
  'fifth'), 'rate_limited', 'the limit of the hour holds for the next user with the address');
set local test.now = '2030-01-31 21:01:00+00';
select is(pg_temp.start_by('eve too',
  'fifth'), 'created', 'the generations of a user who has left are forgotten after an hour');

-- Refunded jobs do not count: the seconds of the month are those of delivered videos.
update private.monthly_usage set seconds = 18 where user_id = pg_temp.id('eve too');
select public.fail_job(job_id, 1, 'no_media', 'x') from public.video_jobs where user_id = pg_temp.id('eve too');
update private.monthly_usage set seconds = 18 where user_id = pg_temp.id('eve too');
select pg_temp.leave('eve too');
select pg_temp.sign_up('eve three', 'eve@example.com');
set local test.now = '2030-01-31 23:00:00+00';
select is(pg_temp.start_by('eve three',
  'sixth'), 'monthly_quota_reached', 'the seconds of the month count for the next user with the address');
select public.purge_expired();
select is((select max(seconds_of_month) from private.addresses), 18, 'the purge keeps usage that still counts');
set local test.now = '2030-02-01 23:00:00+00';
select is(pg_temp.start_by('eve three',
  'sixth'), 'created', 'the seconds of a user who has left are forgotten in the next month');
select public.purge_expired();
select is((select count(*) from private.addresses where left_at is not null), 0::bigint,
  'the purge deletes usage that no longer counts');

-- An account of any size is deleted in steps.
select pg_temp.finish('sixth');
select is(public.delete_finished_videos(pg_temp.id('eve three'), 10), 1, 'finished videos are deleted first');
select throws_ok(
  $$ select public.delete_finished_videos(pg_temp.id('nobody'), 10) $$, 'PT401', null,
  'a user without an account is refused');

select * from finish();
rollback;
