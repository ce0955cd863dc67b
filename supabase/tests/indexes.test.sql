begin;
select plan(32);
\ir support/jobs.psql

update public.app_settings set active_jobs_per_user = 100, retention_days = 365;
select public.add_credits(pg_temp.a(), 100, 'purchase');

-- Half of the jobs have ended, some are deleted, no key and no video has expired, and nothing is due.
select pg_temp.start(number::text) from generate_series(1, 40) as number;
select public.fail_job(job_id, 1, 'timeout', 'x') from public.video_jobs where node_id::integer % 2 = 0;
select results_eq('select status, count(*) from public.video_jobs group by status order by status',
  $$ values ('failed', 20::bigint), ('pending', 20) $$, 'half of the jobs have failed, half are pending');
select public.delete_videos(user_id, array_agg(job_id)) from public.video_jobs where node_id::integer <= 10 group by user_id;

-- Otherwise the planner reads such small tables as a whole.
set local enable_seqscan = off;
create function pg_temp.rows_read() returns bigint language sql volatile as $$
  select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_xact_user_tables
  where relname in ('video_jobs', 'job_queue', 'idempotency_log', 'files_to_delete', 'quota_log', 'addresses')
$$;
create function pg_temp.rows_read_by(p_statement text) returns bigint language plpgsql volatile as $$
declare
  v_before bigint := pg_temp.rows_read();
begin
  execute p_statement;
  return pg_temp.rows_read() - v_before;
end;
$$;
select ok(pg_temp.rows_read_by('select count(prompt) from public.video_jobs') >= 30,
  'the counter counts the rows that are read');
select is(pg_temp.rows_read_by('select private.call_worker(''advance'')'), 0::bigint,
  'cron reads no job when nothing is due');
select is(pg_temp.rows_read_by('select public.lease_due_jobs(10)'), 0::bigint,
  'a worker reads no job when nothing is due');
select is(pg_temp.rows_read_by('select public.health()'), 0::bigint, 'a health check reads no job when nothing is due');
select is(pg_temp.rows_read_by('select public.purge_expired()'), 0::bigint,
  'the purge reads no key that has not expired, and no address that was welcomed');
select is(pg_temp.rows_read_by('select public.delete_expired_videos(10)'), 0::bigint,
  'the purge reads no video that has not expired');
select is(pg_temp.rows_read_by('select public.list_files_to_delete(10)'), 0::bigint,
  'the queue of files to delete reads no file that a worker may still write');
update public.app_settings set retention_days = null;
select is(pg_temp.rows_read_by('select public.delete_expired_videos(10)'), 0::bigint,
  'the purge reads no video where all are kept');
update public.video_jobs set status = 'failed', stage = 'failed', error_code = 'timeout', credits_refunded = credits_used,
  completed_at = private.clock() where completed_at is null;
update private.audit_state set ledger_id = (select max(id) from public.quota_log), ends_until = private.clock() + interval '1 minute';
select is(pg_temp.rows_read_by('select public.audit_recent()'), 0::bigint, 'the audit of new entries reads no old row');

-- All jobs have ended when the statistics are made. Then come 80 unfinished ones, all of them due.
update private.job_queue set next_check_at = null;
analyze public.video_jobs, private.job_queue;
select public.add_credits(pg_temp.a(), 1000, 'purchase');
select pg_temp.start('new ' || number) from generate_series(1, 80) as number;
update private.job_queue set next_check_at = private.clock() - interval '1 second', lease_until = null
where next_check_at is not null;
-- Their ids, so that the search for them is not counted.
select set_config('chosen.job_' || place, pg_temp.job('new ' || place)::text, true) from generate_series(1, 3) as place;
create function pg_temp.chosen(p_place integer) returns uuid language sql stable as
  $$ select current_setting('chosen.job_' || p_place)::uuid $$;
select cmp_ok(pg_temp.rows_read_by('select ' || call), '<', 40::bigint, format('with old statistics %s reads no other job', call))
from (values
  (1, 'public.lease_job(pg_temp.chosen(1))'),
  (2, 'public.open_attempt(pg_temp.chosen(1), 2)'),
  (3, 'public.record_submission(pg_temp.chosen(1), 3, $$run$$)'),
  (4, 'public.record_progress(pg_temp.chosen(1), 3, $$generating$$)'),
  (5, 'public.read_job(pg_temp.a(), pg_temp.chosen(1))'),
  (6, 'public.schedule_retry(pg_temp.chosen(1), 3, 0)'),
  (7, 'public.wake_job(pg_temp.chosen(1), 3, $$run$$)'),
  (8, 'public.adopt_run(pg_temp.chosen(1), 3, $$adopted$$)'),
  (9, 'public.advance_step(pg_temp.chosen(1), 4, $${"video_url": "https://provider.test/v.mp4"}$$)'),
  (10, 'public.complete_job(pg_temp.chosen(1), 4, $$new 1.mp4$$)'),
  (11, 'public.record_submission(pg_temp.chosen(2), 1, $$run 2$$)'),
  (12, 'public.cancel_job(pg_temp.a(), pg_temp.chosen(2), $${"run 2": "succeeded"}$$)'),
  (13, 'public.fail_job(pg_temp.chosen(2), attempt, $$timeout$$, $$x$$) from private.job_queue where job_id = pg_temp.chosen(2)')
) as calls (place, call) order by place;
select cmp_ok(pg_temp.rows_read_by('select public.lease_due_jobs(0, 60, 8)'), '<', 10::bigint,
  'with old statistics a worker that asks for copies reads no other due job');
update private.job_queue set next_check_at = private.clock() + interval '1 hour' where job_id = pg_temp.chosen(3);
select is(pg_temp.rows_read_by('select public.read_job(pg_temp.a(), pg_temp.chosen(3))'), 2::bigint,
  'a poll of a job that is not due reads its two rows, each once');
select set_has(
  $$ select oid::regproc::text from pg_proc where 'plan_cache_mode=force_generic_plan' = any (proconfig) $$,
  $$ values ('start_generation'), ('record_submission'), ('read_job') $$,
  'the procedures of a request for a video and of a poll make the plan of a statement once on a connection');
select cmp_ok(pg_temp.rows_read_by('select public.audit_recent()'), '<', 1500::bigint,
  'with old statistics the audit does not read every due job for every unfinished one');

select cmp_ok(pg_temp.rows_read_by('select public.' || call), '<', 25::bigint, format('with old statistics %s reads only its page', call))
from (values
  (1, 'list_videos(pg_temp.a(), 5)'),
  (2, 'list_videos(pg_temp.a(), 5, p_node_id => $$new 7$$)'),
  (3, 'list_videos(pg_temp.a(), 5, null, 4102444800000000, pg_temp.chosen(1))'),
  (4, 'changed_videos(pg_temp.a(), 0, 5)'),
  (5, 'timings_by_model(p_limit => 5)')
) as calls (place, call) order by place;

select * from finish();
rollback;
