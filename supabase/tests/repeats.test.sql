-- A request without a key: the route makes one of the request itself, which is bound for ten seconds.
begin;
select plan(11);
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
    'video', answer -> 'video'),
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
select is(public.purge_expired(), '{"idempotency_keys": 1}', 'a key of some seconds is purged after them');

-- The owner ends or deletes the job.
select public.add_credits(pg_temp.a(), 20, 'test');
create temp table job as select (pg_temp.send('repeat hash') #>> '{response,job_id}')::uuid as id;
select public.cancel_job(pg_temp.a(), id) from job;
update job set id = (pg_temp.send('repeat hash') #>> '{response,job_id}')::uuid;
select is((select count(*) from public.video_jobs where completed_at is null and job_id = job.id), 1::bigint,
  'after a cancellation the same request is a new one') from job;
select public.delete_videos(pg_temp.a(), array[id]) from job;
select is(pg_temp.send('repeat hash') ->> 'outcome', 'created', 'after a deletion the same request is a new one');
update job set id = (pg_temp.send('a key', null) #>> '{response,job_id}')::uuid;
select public.delete_videos(pg_temp.a(), array[id]) from job;
create temp table again as select pg_temp.send('a key', null) as answer;
select is(answer ->> 'outcome', 'replayed', 'after a deletion a key of the client is still bound') from again;
select is(answer -> 'video', 'null', 'a replay has nothing of a video that was deleted') from again;

select * from finish();
rollback;
