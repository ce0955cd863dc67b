-- A request without a key: the route makes one of the request itself, which is bound for ten seconds.
begin;
select plan(19);
\ir support/jobs.psql

create function pg_temp.send(p_key text, p_seconds integer default 10) returns jsonb language sql as $$
  select public.start_generation(pg_temp.a(), p_key, 'hash', p_key_seconds => p_seconds, p_request => jsonb_build_object(
    'model_id', '00000000-0000-4000-8000-000000000001', 'prompt', 'a cat'))
$$;

create temp table first as select pg_temp.send('repeat hash') as answer;
set local test.now = '2030-01-01 12:00:09.999999+00';
select is(
  pg_temp.send('repeat hash'),
  jsonb_build_object('outcome', 'replayed', 'status_code', 200, 'response', answer -> 'response',
    'since', answer -> 'since', 'video', answer -> 'video'),
  'a repeat within the seconds of its key gets the very same response') from first;
select is(pg_temp.balance(), 18, 'a repeat within the seconds of its key is not charged');
select is(pg_temp.send('a key of the client', null) ->> 'outcome', 'created',
  'the same request with a key is another request');
set local test.now = '2030-01-01 12:00:10+00';
select is(pg_temp.send('repeat hash') ->> 'outcome', 'created', 'a repeat after the seconds of its key is a new request');
select is(pg_temp.balance(), 14, 'a repeat after the seconds of its key is charged');
set local test.now = '2030-01-01 12:00:20+00';
select is(
  pg_temp.send('a key of the client', null) ->> 'outcome', 'replayed',
  'a key of the client is bound for longer');
set local test.now = '2030-01-01 12:01:19+00';
select is(public.purge_expired(), '{"idempotency_keys": 0}',
  'a key of some seconds is kept for another minute: a batch that is repeated may be reading it');
set local test.now = '2030-01-01 12:01:20+00';
select is(public.purge_expired(), '{"idempotency_keys": 1}', 'then it is purged');

-- The owner ends or deletes the job.
select public.add_credits(pg_temp.a(), 20, 'test');
create temp table job as select (pg_temp.send('repeat hash') #>> '{response,job_id}')::uuid as id;
select public.cancel_job(pg_temp.a(), id) from job;
update job set id = (pg_temp.send('repeat hash') #>> '{response,job_id}')::uuid;
select is((select count(*) from public.video_jobs where completed_at is null and job_id = job.id), 1::bigint,
  'after a cancellation the same request is a new one') from job;
-- One that was delivered: a deletion ends an unfinished one as a cancellation does.
select public.record_submission(id, 1, 'run') from job;
select public.advance_step(id, 1, '{"video_url": "https://provider.test/v.mp4"}') from job;
select public.complete_job(id, 1, 'v.mp4') from job;
select public.delete_videos(pg_temp.a(), array[id]) from job;
select is(pg_temp.send('repeat hash') ->> 'outcome', 'created', 'after a deletion the same request is a new one');
update job set id = (pg_temp.send('a key', null) #>> '{response,job_id}')::uuid;
select public.delete_videos(pg_temp.a(), array[id]) from job;
create temp table again as select pg_temp.send('a key', null) as answer;
select is(answer ->> 'outcome', 'replayed', 'after a deletion a key of the client is still bound') from again;
select is(answer -> 'video', 'null', 'a replay has nothing of a video that was deleted') from again;

-- A job that failed, and was refunded.
select public.add_credits(pg_temp.a(), 20, 'test');
create temp table failed as select (pg_temp.send('repeat hash') #>> '{response,job_id}')::uuid as id;
select public.fail_job(id, 1, 'timeout', 'It took too long') from failed;
select is(pg_temp.send('repeat hash') ->> 'outcome', 'created', 'after a failure the same request is a new one');

-- A batch is a repeat as a whole, or is none.
create function pg_temp.send_item(p_item integer, p_since timestamptz default null) returns jsonb language sql as $$
  select public.start_generation(pg_temp.a(), 'repeat item ' || p_item, 'batch', p_key_seconds => 10,
    p_sibling_keys => array['repeat item 1', 'repeat item 2', 'repeat item 3'], p_batch_since => p_since,
    p_request => '{"model_id": "00000000-0000-4000-8000-000000000001", "prompt": "a cat"}')
$$;
create function pg_temp.since(p_answer jsonb) returns timestamptz language sql as $$ select (p_answer ->> 'since')::timestamptz $$;
update public.app_settings set active_jobs_per_user = 100, generations_per_hour = 100;
set local test.now = '2030-01-01 13:00:00+00';
create temp table batch as select pg_temp.send_item(1) as item_1;
set local test.now = '2030-01-01 13:00:01+00';
select pg_temp.send_item(2, pg_temp.since(item_1)) from batch;
set local test.now = '2030-01-01 13:00:09.9+00';
create temp table repeated as select pg_temp.send_item(1) as item_1;
set local test.now = '2030-01-01 13:00:11.5+00';
select is(pg_temp.send_item(2, pg_temp.since(item_1)) ->> 'outcome', 'replayed',
  'a batch that began to be repeated is repeated, also where its items expire meanwhile') from repeated;
select is(pg_temp.send_item(2) ->> 'outcome', 'created', 'a repeat of the batch that begins later is a new one');
set local test.now = '2030-01-01 13:01:00+00';
truncate batch, repeated;
insert into batch select pg_temp.send_item(2);
set local test.now = '2030-01-01 13:01:09+00';
insert into repeated select pg_temp.send_item(1);
select is(pg_temp.since(repeated.item_1), pg_temp.since(batch.item_1),
  'an item that could be made only at the repeat is bound since the batch is') from batch, repeated;
select is((
  select count(*) from public.idempotency_log where request_hash = 'batch' and expires_at = '2030-01-01 13:01:19+00'),
  2::bigint, 'and the batch expires with it');
set local test.now = '2030-01-01 13:01:19+00';
select is(pg_temp.send_item(1) ->> 'outcome', 'created', 'at that moment the first item is a new one');
select is(pg_temp.send_item(2) ->> 'outcome', 'created', 'and so is the second');

select * from finish();
rollback;
