begin;
select plan(24);
\ir support/jobs.psql

select pg_temp.start('old');
set local test.now = '2030-01-01 18:00:00+00';
select pg_temp.start('new');
select is(public.purge_expired() -> 'idempotency_keys', '0', 'keys that are bound to their request are kept');
set local test.now = '2030-01-02 12:00:00+00';
select is(public.purge_expired() -> 'idempotency_keys', '1', 'keys that have expired are deleted and counted');
select results_eq('select idempotency_key from public.idempotency_log', array['new'], 'and only those');
select is(public.purge_expired() -> 'idempotency_keys', '0', 'purging again finds nothing');
savepoint before_batches;
set local test.now = '2030-01-03 12:00:00+00';
select pg_temp.start('newer');
set local test.now = '2030-01-04 12:00:00+00';
select is(public.purge_expired(1) -> 'idempotency_keys', '1', 'as many keys are deleted at a time as are asked for');
select results_eq('select idempotency_key from public.idempotency_log', array['newer'], 'the oldest first');
rollback to before_batches;
select is((select count(*) from public.video_jobs), 2::bigint, 'the jobs stay');
select is((select count(*) from public.quota_log where user_id = pg_temp.a()), 3::bigint, 'the ledger stays');

-- Videos past the retention.
select pg_temp.fail('new'), pg_temp.make('old'), pg_temp.complete('old');
set local test.now = '2030-01-03 18:00:00+00';
select pg_temp.start('running');
set local test.now = '2031-01-01 12:00:00+00';
select is(public.delete_expired_videos(10), 0, 'videos are kept for ever');
update public.app_settings set retention_days = 365;
select is(public.delete_expired_videos(10), 0, 'or as long as the operator says');
set local test.now = '2031-01-02 12:00:01+00';
create temp table old as select pg_temp.job('old') as job_id;
select is(public.delete_expired_videos(1), 1, 'then they are deleted, as many at a time as are asked for');
select is(public.delete_expired_videos(10), 1, 'until none is left');
select results_eq('select node_id from public.video_jobs', array['running'], 'a job that has not ended stays');
select ok(
  public.list_files_to_delete(10) @> jsonb_build_array(jsonb_build_object(
    'bucket', 'videos', 'path', pg_temp.a() || '/' || job_id || '.mp4')),
  'a deleted video leaves word of its files') from old;
create temp table stubborn as select file ->> 'path' as path from jsonb_array_elements(public.list_files_to_delete(1)) as file;
select public.postpone_file('videos', path) from stubborn;
select is(public.list_files_to_delete(10) @> jsonb_build_array(jsonb_build_object('path', path)), false,
  'a file that Storage does not delete waits') from stubborn;
set local test.now = '2031-01-02 12:05:01+00';
select is(public.list_files_to_delete(10) -> -1 ->> 'path', path, 'and is then the last to be tried again') from stubborn;
select public.record_deleted_files(public.list_files_to_delete(10));
select is(public.list_files_to_delete(10), '[]', 'until they are gone');
set local test.now = '2031-01-02 12:00:01+00';

-- A worker may be writing the file of a job that is deleted while it runs.
select pg_temp.start('writing');
create temp table gone as select public.delete_videos(pg_temp.a(),
  array[pg_temp.job('writing')]) as answer;
select isnt(answer -> 'files', '[]', 'the files of a running job are deleted at once') from gone;
select public.record_deleted_files(answer -> 'files') from gone;
select isnt_empty('select from private.files_to_delete', 'and stay on the list for as long as a copy may last');
select is(public.list_files_to_delete(10), '[]', 'to be deleted again after that');
set local test.now = '2031-01-02 12:05:01+00';
select isnt(public.list_files_to_delete(10), '[]', 'then they are looked for once more');
select public.record_deleted_files(public.list_files_to_delete(10));
select is_empty('select from private.files_to_delete', 'and are done with');
select is((select count(*) from public.quota_log where user_id = pg_temp.a()), 7::bigint, 'the ledger keeps what was paid');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
