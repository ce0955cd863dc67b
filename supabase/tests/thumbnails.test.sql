-- Thumbnails: they are made after the delivery, and change nothing but the picture of their video.
begin;
select plan(54);
\ir support/steps.psql

create function pg_temp.work(p_name text) returns private.thumbnail_work language sql as
  $$ select thumbnail_work from private.thumbnail_work where job_id = pg_temp.job(p_name) $$;
-- Delivers a video, and returns the lease of its thumbnail.
create function pg_temp.delivered(p_name text) returns jsonb language sql as
  $$ select pg_temp.start(p_name); select pg_temp.make(p_name); select pg_temp.complete(p_name) -> 'leased_thumbnail' $$;
-- What its owner sees of a video.
create function pg_temp.seen(p_name text) returns jsonb language sql as
  $$ select private.job_json(video_jobs) from public.video_jobs where node_id = p_name $$;
create function pg_temp.show(p_name text, p_attempt integer) returns jsonb language sql as
  $$ select public.record_thumbnail(pg_temp.job(p_name), p_attempt, 'https://provider.test/t.jpg', p_name || '.jpg') $$;

-- Delivered first.
create temp table answer as select pg_temp.delivered('first') as json;
select is(pg_temp.state('first'), 'completed completed 100%', 'a video is delivered without its thumbnail');
select is(pg_temp.seen('first') #> '{progress,steps}', '1', 'its thumbnail is none of its steps');
select is(
  jsonb_build_array(json -> 'action', json -> 'attempt', json #> '{step,name}', json -> 'status'),
  '["submit", 2, "thumbnail", "completed"]', 'who delivers it makes its thumbnail') from answer;
select is(json -> 'start_within_seconds', '600', 'its run may wait as long as it is tried') from answer;
select is_empty('select public.lease_due_thumbnails(10)', 'nobody else makes it meanwhile');
select is(public.lease_job(pg_temp.job('first')), null, 'the delivered job itself is never due again');
create temp table before as select pg_temp.seen('first') as seen;
set local test.now = '2030-01-01 12:00:02+00';
select is(public.record_thumbnail_run(pg_temp.job('first'), attempt, 'frame'), false, 'a run of ' || who || ' is not wanted')
from (values (1, 'the job'), (3, 'an attempt that was never made')) as stale (attempt, who);
select ok(public.record_thumbnail_run(pg_temp.job('first'), 2, 'frame'), 'its run is recorded');
select ok(public.record_thumbnail_run(pg_temp.job('first'), 2, 'frame'), 'a repeated report of its run is no error');
select is(public.record_thumbnail_run(pg_temp.job('first'), 2, 'another'), false, 'a second run of an attempt is not wanted');
select is(pg_temp.seen('first'), seen, 'the run of a thumbnail changes nothing that its owner sees') from before;
set local test.now = '2030-01-01 12:00:05+00';
update answer set json = (select public.lease_due_thumbnails(10));
select is(json -> 'action' || (json -> 'provider_job_id'), '["check", "frame"]', 'its run is checked soon') from answer;
select public.postpone_thumbnail(pg_temp.job('first'), 2, 3);
select is_empty('select public.lease_due_thumbnails(10)', 'a run that goes on is not checked again at once');
select is(pg_temp.show('first', attempt) -> 'applied', 'false', 'a picture of ' || who || ' is not shown')
from (values (1, 'the job'), (3, 'an attempt that was never made')) as stale (attempt, who);
update answer set json = pg_temp.show('first', 2);
select is(json -> 'applied' || (json #> '{job,thumbnail_path}'), '[true, "first.jpg"]', 'its picture is shown') from answer;
select isnt(json #> '{job,version}', seen -> 'version', 'then the job has another version') from answer, before;
select is(
  pg_temp.seen('first') - '{thumbnail_path,updated_at,version}'::text[],
  seen - '{thumbnail_path,updated_at,version}'::text[], 'nothing else of the job has changed') from before;
select is(pg_temp.show('first', 2) -> 'applied', 'false', 'a picture is recorded once');
select is_empty('select from private.thumbnail_work', 'a thumbnail that is there has no work left');
select is_empty('select from private.runs_to_cancel', 'a run that has ended is not cancelled');

-- Attempts.
select pg_temp.delivered('retried');
select public.postpone_thumbnail(pg_temp.job('retried'), 2, 4, true);
set local test.now = '2030-01-01 12:00:09+00';
select is(public.lease_due_thumbnails(10) -> 'attempt', '3', 'a refused attempt is followed by another');
set local test.now = '2030-01-01 12:02:08+00';
select is_empty('select public.lease_due_thumbnails(10)', 'a lost submission has its time to be confirmed');
set local test.now = '2030-01-01 12:02:09+00';
select is(public.lease_due_thumbnails(10) -> 'attempt', '4', 'then another attempt is made');
set local test.now = '2030-01-01 12:04:09+00';
select is(public.lease_due_thumbnails(10) -> 'attempt', '5', 'up to four of them');
set local test.now = '2030-01-01 12:06:09+00';
select is(public.lease_due_thumbnails(10) -> 'action', '"give_up"', 'but no more');
select is(pg_temp.state('retried'), 'completed completed 100%', 'a thumbnail that fails changes no status');
select public.give_up_thumbnail(pg_temp.job('retried'), 5);
select is(pg_temp.refunds('retried') || (pg_temp.seen('retried') ->> 'skipped_extras'), '[]',
  'a thumbnail that fails is neither refunded nor listed');
select pg_temp.delivered('endless'), public.record_thumbnail_run(pg_temp.job('endless'), 2, 'endless run');
set local test.now = '2030-01-01 12:16:09+00';
select is(public.lease_due_thumbnails(10) -> 'action', '"expire"', 'a thumbnail is given up when its time is over');
select public.give_up_thumbnail(pg_temp.job('endless'), 1);
select isnt(pg_temp.work('endless'), null, 'a stale worker gives nothing up');
select public.give_up_thumbnail(pg_temp.job('endless'), 2);
select is((select provider_job_id from private.runs_to_cancel), 'endless run', 'a run that is given up is cancelled');

-- Webhooks.
select pg_temp.delivered('woken');
select is(public.wake_job(pg_temp.job('woken'), 1, 'woken-1') -> 'same_run', 'true',
  'a webhook of the video does not wake its thumbnail');
update answer set json = public.wake_job(pg_temp.job('woken'), 2, 'early');
select is(jsonb_build_array(json -> 'outcome', json #> '{leased_job,action}', json #> '{leased_job,provider_job_id}'),
  '["thumbnail", "check", "early"]', 'a webhook may be faster than the answer to the submission') from answer;
select is(public.wake_job(pg_temp.job('woken'), 2, 'another'), '{"outcome": "finished", "same_run": true}',
  'another run of the attempt has nothing to do');
select ok(public.record_thumbnail_run(pg_temp.job('woken'), 2, 'early'), 'then the answer is no news');
select is_empty('select public.lease_due_thumbnails(10)', 'and gives the thumbnail to nobody else');
select public.record_provider_answer('fal', 'account_refused', pg_temp.job('woken'));
select public.wake_job(pg_temp.job('woken'), 2, 'early');
select isnt_empty('select from private.provider_circuits', 'a webhook of a known run says nothing of new ones: the circuit stays open');
delete from private.provider_circuits;

-- A model that makes a thumbnail of its own.
select pg_temp.start('pretty'), pg_temp.make(
  'pretty', '{"video_url": "https://provider.test/v.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
update answer set json = pg_temp.complete('pretty');
select is(json #> '{leased_thumbnail,action}', '"store"', 'a thumbnail from the model is not made again') from answer;
select is(json #> '{job,thumbnail_url}', '"https://provider.test/t.jpg"', 'it is shown at once') from answer;
select is(public.wake_job(pg_temp.job('pretty'), 1, 'pretty-1') -> 'outcome', '"finished"',
  'a webhook of a video with its own thumbnail has nothing to do');
select pg_temp.start('far'), pg_temp.make(
  'far', '{"video_url": "https://provider.test/v.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
select pg_temp.complete('far');
select is(
  public.record_thumbnail(pg_temp.job('far'), 2, 'https://provider.test/t.jpg') #> '{job,status}', '"completed"',
  'a picture that could not be copied stays where it is, and its job too');
select pg_temp.show('pretty', 2);
select is(pg_temp.seen('pretty') -> 'thumbnail_path' || (pg_temp.seen('pretty') -> 'thumbnail_url'),
  '["pretty.jpg", null]', 'and our copy of it later');

-- A model whose files only its key opens.
update public.models set files_are_public = false where name = 'Test';
select pg_temp.start('private'), pg_temp.make(
  'private', '{"video_url": "https://provider.test/v.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
select pg_temp.complete('private');
select is(
  public.record_thumbnail(pg_temp.job('private'), 2, 'https://provider.test/t.jpg') #> '{job,thumbnail_url}', 'null',
  'a private picture that could not be copied is not shown');
select is_empty('select from private.thumbnail_work where job_id = pg_temp.job(''private'')', 'and not tried for ever');
update public.models set files_are_public = true where name = 'Test';

-- Deleted meanwhile.
select is_empty('select * from public.audit_credits()', 'the books balance while thumbnails are made');
delete from private.runs_to_cancel;
select pg_temp.delivered('deleted'), public.record_thumbnail_run(pg_temp.job('deleted'), 2, 'deleted run');
set local test.now = '2030-01-01 12:30:00+00';
create temp table gone as select pg_temp.job('deleted') as job_id;
select public.delete_videos(pg_temp.a(), array[job_id]) from gone;
select is((select provider_job_id from private.runs_to_cancel), 'deleted run', 'the run of a deleted thumbnail is cancelled');
select is(since, '2030-01-01 12:30:00+00', 'the picture of a deleted video may still be written')
from private.files_to_delete where path like '%_thumb.jpg';
select is(public.record_thumbnail(job_id, 2, 'https://provider.test/t.jpg', 'x.jpg'),
  '{"applied": false, "job": null}', 'a deleted video gets no thumbnail') from gone;
select pg_temp.delivered('left'), public.record_thumbnail_run(pg_temp.job('left'), 2, 'left run');
delete from auth.users where id = pg_temp.a();
select is(
  array(select provider_job_id from private.runs_to_cancel order by 1), '{deleted run,early,left run}',
  'the runs of the thumbnails of a deleted user are cancelled');
select is(count(*)::integer, 2, 'the pictures of a deleted user may still be written')
from private.files_to_delete where path like '%_thumb.jpg' and since = private.clock() and bucket = 'videos'
  and path not like '%' || (select job_id from gone) || '%';

-- The step is kept ready, and follows the catalogue at once.
select results_eq(
  'select files_are_public, step from private.ready_thumbnail_steps order by 1',
  'select kind, private.thumbnail_step(kind) from (values (false), (true)) as kinds (kind)',
  'the ready steps are those of the catalogue');
update public.pipeline_tools set provider_model_id = 'another/tool' where step = 'thumbnail';
select pg_temp.start('framed', p_user => pg_temp.b()), pg_temp.make('framed');
select is(pg_temp.complete('framed') #> '{leased_thumbnail,step,model}', '"another/tool"',
  'a tool that is changed makes the next thumbnail');

-- Switched off.
update public.pipeline_steps set is_available = false where name = 'thumbnail';
select pg_temp.start('plain', p_user => pg_temp.b()), pg_temp.make('plain');
select is(pg_temp.complete('plain') -> 'leased_thumbnail', 'null', 'without the tool there is no thumbnail');

select * from finish();
rollback;
