begin;
select plan(24);
\ir support/jobs.psql

select pg_temp.start('old');
set local test.now = '2030-01-01 18:00:00+00';
select pg_temp.start('new');
select is(public.purge_expired() -> 'idempotency_keys', '0', 'keys that have not expired are kept');
set local test.now = '2030-01-02 12:01:00+00';
select is(public.purge_expired() -> 'idempotency_keys', '1', 'keys that have expired are deleted and counted');
select results_eq('select idempotency_key from public.idempotency_log', array['new'],
  'keys that have not expired stay');
select is(public.purge_expired() -> 'idempotency_keys', '0', 'a second purge finds nothing');
set local test.now = '2030-01-02 12:00:00+00';
savepoint before_batches;
set local test.now = '2030-01-03 12:00:00+00';
select pg_temp.start('newer');
set local test.now = '2030-01-04 12:01:00+00';
select is(public.purge_expired(1) -> 'idempotency_keys', '1', 'a purge deletes no more keys than its limit');
select results_eq('select idempotency_key from public.idempotency_log', array['newer'],
  'a purge deletes the oldest keys first');
rollback to before_batches;
select is((select count(*) from public.video_jobs), 2::bigint, 'the purge of keys keeps the jobs');
select is((select count(*) from public.quota_log where user_id = pg_temp.a()), 3::bigint,
  'the purge of keys keeps the ledger');

-- Videos after their retention.
select pg_temp.fail('new'), pg_temp.make('old'), pg_temp.complete('old');
set local test.now = '2030-01-03 18:00:00+00';
select pg_temp.start('running');
set local test.now = '2031-01-01 12:00:00+00';
select is(public.delete_expired_videos(10), 0, 'videos are kept for ever where no retention is set');
update public.app_settings set retention_days = 365;
select is(public.delete_expired_videos(10), 0, 'videos are kept for the retention of the operator');
set local test.now = '2031-01-02 12:00:01+00';
create temp table old as select pg_temp.job('old') as job_id;
select is(public.delete_expired_videos(1), 1, 'videos are deleted after the retention, no more than the limit');
select is(public.delete_expired_videos(10), 1, 'the next call deletes the rest');
select results_eq('select node_id from public.video_jobs', array['running'], 'a job that has not ended stays');
select ok(
  public.list_files_to_delete(10) @> jsonb_build_array(jsonb_build_object(
    'bucket', 'videos', 'path', pg_temp.a() || '/' || job_id || '.mp4')),
  'the files of a deleted video are in the queue of files to delete') from old;
create temp table stubborn as select file ->> 'path' as path from jsonb_array_elements(public.list_files_to_delete(1)) as file;
select public.postpone_file('videos', path) from stubborn;
select is(public.list_files_to_delete(10) @> jsonb_build_array(jsonb_build_object('path', path)), false,
  'a file that Storage does not delete waits for its next try') from stubborn;
set local test.now = '2031-01-02 12:05:01+00';
select is(public.list_files_to_delete(10) -> -1 ->> 'path', path,
  'a file that waited is the last to be tried again') from stubborn;
select public.record_deleted_files(public.list_files_to_delete(10));
select is(public.list_files_to_delete(10), '[]', 'deleted files leave the list');
set local test.now = '2031-01-02 12:00:01+00';

-- A worker may still write the file of a job that is deleted while it runs.
select pg_temp.start('writing');
create temp table gone as select public.delete_videos(pg_temp.a(),
  array[pg_temp.job('writing')]) as answer;
select isnt(answer -> 'files', '[]', 'the files of a deleted running job are deleted at once') from gone;
select public.record_deleted_files(answer -> 'files') from gone;
select isnt_empty('select from private.files_to_delete',
  'the files of a deleted running job stay on the list for as long as a copy may last');
select is(public.list_files_to_delete(10), '[]',
  'the files of a deleted running job are not deleted again while a copy may last');
set local test.now = '2031-01-02 12:05:01+00';
select isnt(public.list_files_to_delete(10), '[]',
  'the files of a deleted running job are deleted once more after that time');
select public.record_deleted_files(public.list_files_to_delete(10));
select is_empty('select from private.files_to_delete', 'files that were deleted twice leave the list');
select is((select count(*) from public.quota_log where user_id = pg_temp.a()), 7::bigint,
  'the purge of videos keeps the ledger');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
