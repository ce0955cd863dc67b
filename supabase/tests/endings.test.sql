begin;
select plan(50);
\ir support/jobs.psql

-- A job whose steps are all done.
create function pg_temp.start_and_make(p_name text) returns void language sql as $$
  select pg_temp.start(p_name);
  select pg_temp.make(
    p_name, '{"video_url": "https://provider.test/v.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
$$;

-- Delivered.
select pg_temp.start('early'), pg_temp.submit('early');
select is(
  public.complete_job(pg_temp.job('early'), 1, 'early.mp4') -> 'applied', 'false',
  'a job whose steps are not done is not delivered');
select public.fail_job(pg_temp.job('early'), 1, 'timeout', 'It took too long');

select pg_temp.start_and_make('delivered');
create temp table answer as select public.complete_job(pg_temp.job('delivered'), 1, 'a/delivered.mp4') as json;
select is(json -> 'applied', 'true', 'a job whose steps are done is delivered') from answer;
select is(
  (select array[status, stage, progress_percent::text, video_path, video_url, thumbnail_url, completed_at::text]
    from public.video_jobs where node_id = 'delivered'),
  array['completed', 'completed', '100', 'a/delivered.mp4', null, 'https://provider.test/t.jpg',
    '2030-01-01 12:00:00+00'],
  'a delivered job has our own copy of the video');
select is(
  (select array[next_check_at, lease_until] from private.job_queue where job_id = pg_temp.job('delivered')),
  array[null, null]::timestamptz[], 'a delivered job is never due again');
select is(json #>> '{job,poll_after_ms}', null, 'a delivered job has no time for the next poll') from answer;
set local test.now = '2030-01-01 12:05:00+00';
select is(
  public.fail_job(pg_temp.job('delivered'), 1, 'timeout', 'It took too long') -> 'applied', 'false',
  'a delivered job does not fail');
select is(
  (select array[status, video_path, completed_at::text] from public.video_jobs where node_id = 'delivered'),
  array['completed', 'a/delivered.mp4', '2030-01-01 12:00:00+00'], 'a delivered job keeps its video and its time');
select is(pg_temp.refunds('delivered'), '', 'a delivered job is not refunded');

-- A size that is given must be that of the file in Storage.
select pg_temp.start_and_make('sized');
update answer set json = public.complete_job(pg_temp.job('sized'), 1, 'sized.mp4', p_video_bytes => 300);
select is(json - 'job', '{"applied": false, "is_stored": false}', 'a video that Storage does not have is not delivered')
from answer;
insert into storage.objects (bucket_id, name, metadata) values ('videos', 'sized.mp4', '{"size": 299}'), ('inputs', 'sized.mp4', '{"size": 300}');
update answer set json = public.complete_job(pg_temp.job('sized'), 1, 'sized.mp4', p_video_bytes => 300);
select is(json - 'job', '{"applied": false, "is_stored": false}', 'a video that Storage has in part is not delivered')
from answer;
select is(status, 'processing', 'a job whose video is not stored goes on') from public.video_jobs where node_id = 'sized';
update storage.objects set metadata = '{"size": 300}' where bucket_id = 'videos' and name = 'sized.mp4';
select is(public.complete_job(pg_temp.job('sized'), 1, 'sized.mp4', p_video_bytes => 300) -> 'applied', 'true',
  'a video that Storage has as a whole is delivered');

-- Delivered with the URL of the provider, with a copy still to be made.
select pg_temp.start_and_make('owed');
select is(
  public.complete_job(pg_temp.job('owed'), 1, null, 60) #>> '{job,video_url}', 'https://provider.test/v.mp4',
  'without a copy the URL of the provider is delivered');
select is(public.lease_job(pg_temp.job('owed')), null, 'a missing copy is not tried again at once');
set local test.now = '2030-01-01 12:06:00+00';
update answer set json = public.lease_job(pg_temp.job('owed'));
select is(json ->> 'action', 'store', 'a missing copy is tried again after its delay') from answer;
select is(json ->> 'copy_again', 'true', 'a copy is tried again within the time of the settings') from answer;
select is(
  public.postpone(pg_temp.job('owed'), 1, 60) -> 'applied', 'true', 'a failed copy is postponed');
set local test.now = '2030-01-02 12:06:00+00';
select is(public.lease_job(pg_temp.job('owed')) ->> 'copy_again', 'false',
  'a copy is not tried again after the time of the settings') ;
select is(
  public.fail_job(pg_temp.job('owed'), 1, 'timeout', 'It took too long') -> 'applied', 'false',
  'a job that was delivered with the URL of the provider does not fail');
select is(public.record_stored_video(pg_temp.job('owed'), 'a/owed.mp4', p_video_bytes => 300) - 'job',
  '{"applied": false, "is_stored": false}', 'a copy that Storage does not have is not recorded');
update answer set json = public.record_stored_video(pg_temp.job('owed'), 'a/owed.mp4');
select is(
  json #> '{job,video_path}' || jsonb_build_array(json #> '{job,video_url}'), '["a/owed.mp4", null]',
  'a late copy replaces the URL of the provider') from answer;
select is(
  public.record_stored_video(pg_temp.job('owed'), 'other.mp4') -> 'applied', 'false', 'a copy is recorded once');
select is(
  public.postpone(pg_temp.job('owed'), 1, 60) -> 'applied', 'false', 'a job with a copy cannot be postponed');
select is(
  (select next_check_at from private.job_queue where job_id = pg_temp.job('owed')), null,
  'a job with a copy is never due again');

select pg_temp.start_and_make('given up');
select is(
  public.record_stored_video(pg_temp.job('given up'), 'x.mp4') -> 'applied', 'false',
  'a copy is recorded for delivered videos only');
select public.complete_job(pg_temp.job('given up'), 1, null, 60);
select is(public.postpone(pg_temp.job('given up'), 1) -> 'applied', 'true', 'a missing copy may be given up');
select is(
  (select next_check_at from private.job_queue where job_id = pg_temp.job('given up')), null,
  'a job whose copy was given up is never due again');

select pg_temp.start_and_make('elsewhere');
select is(
  public.complete_job(pg_temp.job('elsewhere'), 1) #>> '{job,status}', 'completed',
  'a job can be delivered without a copy');
select is(
  (select next_check_at from private.job_queue where job_id = pg_temp.job('elsewhere')), null,
  'a job that was delivered without a copy is never due again');

-- A private file of the provider is delivered with our own copy, or not at all.
update public.models set files_are_public = false where name = 'Test';
select pg_temp.start_and_make('private');
update public.models set files_are_public = true where name = 'Test';
select is(
  public.complete_job(pg_temp.job('private'), 1, null, p_copy_again_after_seconds) -> 'applied', 'false',
  'a video that only we can open is not delivered by its provider''s URL, ' || what)
from (values (60, 'though the copy is owed'), (null, 'nor without one')) as delays (p_copy_again_after_seconds, what);
select is((select next_check_at is not null from private.job_queue where job_id = pg_temp.job('private')), true,
  'a private video without a copy is due again');
select is(
  public.complete_job(pg_temp.job('private'), 1, 'a/private.mp4') -> 'applied', 'true',
  'a private video is delivered with our copy');

-- Failed.
create temp table before as select pg_temp.balance() as balance;
select pg_temp.start('failed');
update public.models set cost_per_generation = 9 where name = 'Test';
update answer set json = public.fail_job(pg_temp.job('failed'), 1, 'content_policy', 'The provider refused it');
select is(json -> 'applied', 'true', 'a job fails') from answer;
select is(
  json #> '{job,error_code}' || (json #> '{job,credits_refunded}'), '["content_policy", 2]',
  'a failed job has an error code and its refund') from answer;
select is(pg_temp.balance(), balance,
  'exactly what was charged is refunded, even if the price has changed') from before;
select results_eq(
  $$ select change, reason, transaction_id = 'refund:' || job_id from public.quota_log
    where job_id = pg_temp.job('failed') order by id $$,
  $$ values (-2, 'video_generation', false), (2, 'generation_failed_refund', true) $$,
  'the ledger has the charge and the refund');
update public.models set cost_per_generation = 2 where name = 'Test';
select is(
  public.fail_job(pg_temp.job('failed'), 1, 'timeout', 'x', '{"error": "x"}') -> 'applied', 'false',
  'a job fails once');
select is(pg_temp.refunds('failed'), '2 generation_failed_refund', 'a failed job is refunded once');
select is(
  public.complete_job(pg_temp.job('failed'), 1, 'late.mp4') -> 'applied', 'false', 'a failed job is not delivered');
select is(
  (select array[status, error_code, video_path] from public.video_jobs where node_id = 'failed'),
  array['failed', 'content_policy', null], 'a failed job keeps its error code');

select pg_temp.start_and_make('unusable');
select is(
  public.fail_job(pg_temp.job('unusable'), 1, 'media_unusable', 'x') #>> '{job,status}', 'failed',
  'a job whose video cannot be used fails after its last step');

-- The answer to a replay of the key.
select is(
  pg_temp.start('failed') -> 'status_code', '200',
  'the key of a job that failed after its answer gets the same answer again');
select pg_temp.start('submitting');
update answer set json = public.fail_job(
  pg_temp.job('submitting'), 1, 'provider_error', 'x', '{"error": "Provider API failed", "code": "provider_failed"}');
select is(
  json -> 'response',
  jsonb_build_object('error', 'Provider API failed', 'code', 'provider_failed', 'job_id', pg_temp.job('submitting'),
    'credits_refunded', 2, 'credits_remaining', pg_temp.balance()),
  'the answer of a job that failed during its submission has the failure and the refund') from answer;
select is(
  pg_temp.start('submitting') - '{video,since}'::text[],
  jsonb_build_object('outcome', 'replayed', 'status_code', 500, 'response', json -> 'response'),
  'every replay of its key gets that answer') from answer;

-- An operator refunds by hand while the job still runs: the job must still end.
select pg_temp.start('refunded');
select public.add_credits(pg_temp.a(), 2, 'by hand', pg_temp.job('refunded'));
create temp table before_failure as select pg_temp.balance() as credits;
select is(
  public.fail_job(pg_temp.job('refunded'), 1, 'timeout', 'x') -> 'job' ->> 'status', 'failed',
  'a job that was refunded by hand still ends');
select is(pg_temp.balance(), (select credits from before_failure),
  'a job that was refunded by hand is not refunded again');

-- Last: where a guard is taken away, this call raises, and what comes after it in this file is not tried.
select is(
  public.complete_job(pg_temp.job('delivered'), 1, 'other.mp4') -> 'applied', 'false', 'a job is delivered once');
select is((select video_path from public.video_jobs where node_id = 'delivered'), 'a/delivered.mp4',
  'a delivered job keeps its first video');
-- Their thumbnails have a test of their own.
delete from private.thumbnail_work;
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
