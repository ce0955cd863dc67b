begin;
select plan(21);
\ir support/jobs.psql

create function pg_temp.at(p_time text) returns void language sql as
  $$ select set_config('test.now', '2030-01-01 ' || p_time || '+00', true) $$;
create function pg_temp.names(p_page jsonb) returns text[] language sql as
  $$ select array_agg(coalesce(video ->> 'node_id', 'gone') order by place)
     from jsonb_array_elements(p_page -> 'videos') with ordinality as videos (video, place) $$;
create function pg_temp.changes(p_since_ms bigint) returns jsonb language sql as
  $$ select public.changed_videos(pg_temp.a(), p_since_ms, 100) $$;
create temp table times (name text, ms bigint);

-- Listing.
select pg_temp.start('one'), pg_temp.at('12:00:01');
select pg_temp.start('two'), pg_temp.at('12:00:02');
select pg_temp.start('three'), pg_temp.start('foreign', '{}', pg_temp.b());
create temp table page as select public.list_videos(pg_temp.a(), 2) as page;
select is(pg_temp.names(page), array['three', 'two'], 'a page has the newest of the user''s own videos') from page;
update page set page = public.list_videos(pg_temp.a(), 2, null,
  (page #>> '{next,at}')::bigint, (page #>> '{next,job_id}')::uuid);
select is(pg_temp.names(page), array['one'], 'the next page begins after the last video of the page before') from page;
select is(page -> 'next', 'null', 'the last page has no next page') from page;
select is(
  pg_temp.names(public.list_videos(pg_temp.a(), 9, 'completed')), null,
  'a status that no video has lists none');

-- Changes.
select pg_temp.at('12:00:03.0005');
insert into times select 'first', (pg_temp.changes(0) ->> 'server_time_ms')::bigint;
select is(
  (select ms from times), (extract(epoch from timestamptz '2030-01-01 12:00:03+00') * 1000)::bigint,
  'the time of the server is a whole millisecond in the past');
select is(pg_temp.names(pg_temp.changes(0)), array['one', 'two', 'three'], 'changes are listed in their order');
select is(pg_temp.names(pg_temp.changes((select ms from times))), null,
  'changes before the time of the server are not listed again');
select pg_temp.at('12:00:04');
select public.record_submission(pg_temp.job('one'), 1, 'run');
select is(pg_temp.names(pg_temp.changes((select ms from times))), null,
  'a change in this millisecond waits for the next');
select pg_temp.at('12:00:05');
select is(pg_temp.names(pg_temp.changes((select ms from times))), array['one'],
  'a change is listed when its millisecond is over');

-- Deleting.
create temp table doomed as select pg_temp.job('one') as one, pg_temp.job('foreign') as foreign_job, gen_random_uuid() as none;
create temp table deletion as
  select public.delete_videos(pg_temp.a(), array[one, foreign_job, none, one], '{"run": "running"}') as answer
  from doomed;
select is(answer -> 'deleted', jsonb_build_array(one), 'a user''s own video is deleted') from deletion, doomed;
select set_eq(
  $$ select jsonb_array_elements_text(answer -> 'not_found')::uuid from deletion $$,
  $$ select foreign_job from doomed union select none from doomed $$,
  'the video of another user is reported like one that does not exist');
select isnt(pg_temp.job('foreign'), null, 'the video of another user is not deleted');
select is(pg_temp.job('one'), null, 'the row of a deleted video is gone');
select is(
  (select sum(change) from public.quota_log, doomed where job_id = one), 0::bigint,
  'what was not delivered is refunded');
select is(answer #>> '{runs,0,provider_job_id}', 'run', 'a deletion names the run to cancel') from deletion;
select is(
  answer -> 'files', (
    select jsonb_agg(jsonb_build_object(
      'bucket', 'videos', 'path', pg_temp.a() || '/' || one || ending) order by place)
    from unnest(array['.mp4', '.vtt', '_thumb.jpg']) with ordinality as endings (ending, place)),
  'a deletion names the files to delete') from deletion, doomed;
select is(
  public.delete_videos(pg_temp.a(), array[one]) -> 'deleted', jsonb_build_array(one),
  'a second deletion has the same answer') from doomed;
select pg_temp.at('12:00:06');
select is(
  pg_temp.changes((select ms from times)) #> '{videos,0}',
  jsonb_build_object('job_id', one, 'deleted_at', '2030-01-01T12:00:05Z'),
  'the list of changes has the deletion') from doomed;
select is(public.fail_job(one, 1, 'timeout',
  'x'), '{"job": null, "applied": false}', 'a late report of a deleted job is not applied')
from doomed;
select is(public.wake_job(one, 1, 'run'), null, 'a late webhook of a deleted job finds nothing') from doomed;
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
