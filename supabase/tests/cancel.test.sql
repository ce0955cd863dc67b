begin;
select plan(50);
\ir support/jobs.psql

select public.add_credits(pg_temp.a(), 980, 'purchase');
update public.app_settings set active_jobs_per_user = 100;

create function pg_temp.start_and_submit(p_name text) returns void language sql as
  $$ select pg_temp.start(p_name); select pg_temp.submit(p_name) $$;
create function pg_temp.cancel(p_name text, p_seen text default null) returns jsonb language sql as $$
  select public.cancel_job(pg_temp.a(), job_id,
    case when p_seen is null then '{}' else jsonb_build_object(provider_job_id, p_seen) end)
  from pg_temp.queued(p_name)
$$;
create function pg_temp.delete(p_name text, p_seen text default null) returns jsonb language sql as $$
  select public.delete_videos(pg_temp.a(), array[job_id],
    case when p_seen is null then '{}' else jsonb_build_object(provider_job_id, p_seen) end)
  from pg_temp.queued(p_name)
$$;
create function pg_temp.reason(p_job_id uuid) returns text language sql as
  $$ select reason from public.quota_log where job_id = p_job_id and change > 0 $$;

-- A job is cancelled by its owner, once.
select pg_temp.start_and_submit('running');
select is(
  public.cancel_job(pg_temp.b(), pg_temp.job('running')), null,
  'the job of another user is not found');
select is((select status from public.video_jobs where node_id = 'running'), 'processing',
  'the job of another user is not cancelled');
create temp table cancelled as select pg_temp.cancel('running') as answer;
select is(
  array[answer ->> 'outcome', answer #>> '{leased_job,provider_job_id}'], array['check_run', 'running-1'],
  'a cancellation of a queued run asks for its state at the provider') from cancelled;
select is(pg_temp.balance(), 998, 'nothing is refunded before the state of the run is known');
update cancelled set answer = public.cancel_job(pg_temp.a(), pg_temp.job('running'),
  '{"another run": "queued"}');
select is(answer ->> 'outcome', 'check_run', 'the state of another run does not count') from cancelled;
update cancelled set answer = pg_temp.cancel('running', 'running');
select is(answer ->> 'outcome', 'cancelled', 'a running job is cancelled') from cancelled;
select is(
  answer #> '{job,status}' || (answer #> '{job,error_code}') || (answer #> '{job,credits_refunded}'),
  '["failed", "cancelled", 2]',
  'a cancelled job has failed with an error code of its own, and is refunded in full') from cancelled;
select is(answer #>> '{leased_job,provider_job_id}', 'running-1',
  'a cancellation names the run to stop') from cancelled;
select is(pg_temp.balance(), 1000, 'a cancellation gives back the price');
select is(pg_temp.cancel('running') ->> 'outcome', 'not_cancellable', 'a job is cancelled once');
select is(pg_temp.balance(), 1000, 'a job is refunded once');
select is(
  public.cancel_job(pg_temp.a(), gen_random_uuid()), null, 'an unknown job is not found');

-- Which cancellations count for the limit.
select is(pg_temp.reason(pg_temp.job('running')), 'cancelled_after_start_refund',
  'a cancellation after the start counts');
select pg_temp.start_and_submit('queued'), pg_temp.cancel('queued', 'queued');
select is(pg_temp.reason(pg_temp.job('queued')), 'generation_failed_refund',
  'a cancellation of a queued run does not count');
select pg_temp.start('waiting'), public.schedule_retry(pg_temp.job('waiting'), 1, 10), pg_temp.cancel('waiting');
select is(
  pg_temp.reason(pg_temp.job('waiting')), 'generation_failed_refund',
  'a cancellation between two attempts does not count');
select pg_temp.start('submitting'), pg_temp.cancel('submitting');
select is(
  pg_temp.reason(pg_temp.job('submitting')), 'cancelled_after_start_refund',
  'a cancellation of a submission without an answer counts');
select is(
  public.record_submission(pg_temp.job('submitting'), 1, 'run') -> 'applied', 'false',
  'the late answer to a cancelled submission is not applied');
select pg_temp.start_and_submit('silent'), pg_temp.cancel('silent', 'unknown');
select is(
  pg_temp.reason(pg_temp.job('silent')), 'cancelled_after_start_refund',
  'a cancellation of a run of unknown state counts');
select pg_temp.start_transition('half', '{"duration": 16}');
select pg_temp.make('half', '{"video_url": "x"}');
select pg_temp.make('half', '{"image_url": "x"}');
select pg_temp.submit('half'), pg_temp.cancel('half', 'queued');
select is(
  pg_temp.reason(pg_temp.job('half')), 'cancelled_after_start_refund',
  'a cancellation counts when a part of the video is made, though the next part is queued');
select pg_temp.start_transition('sound', '{"enable_music": true}');
select pg_temp.make('sound',
  '{"audio_url": "x"}'), pg_temp.make('sound', '{"audio_url": "x"}'), pg_temp.submit('sound');
select pg_temp.cancel('sound', 'queued');
select is(
  pg_temp.reason(pg_temp.job('sound')), 'cancelled_after_start_refund',
  'a cancellation counts when only the music is made: the provider bills that run too');

-- Videos that are made.
select pg_temp.start_and_submit('made');
update cancelled set answer = pg_temp.cancel('made', 'succeeded');
select is(
  array[answer ->> 'outcome', answer #>> '{leased_job,action}'], array['not_cancellable', 'check'],
  'a job whose run has succeeded is not cancelled, but checked') from cancelled;
select public.advance_step(pg_temp.job('made'), 1, '{"video_url": "x"}');
update cancelled set answer = pg_temp.cancel('made');
select is(
  array[answer ->> 'outcome', answer #>> '{job,progress,stage}'], array['not_cancellable', 'storing'],
  'a video that is being stored is not cancelled') from cancelled;
select public.complete_job(pg_temp.job('made'), 1, 'made.mp4');
update cancelled set answer = pg_temp.cancel('made');
select is(
  array[answer ->> 'outcome', answer #>> '{job,status}'], array['not_cancellable', 'completed'],
  'a delivered job is not cancelled') from cancelled;
select pg_temp.start_transition('mixing', '{"enable_music": true}');
select pg_temp.make('mixing', '{"audio_url": "x"}'), pg_temp.make('mixing', '{"audio_url": "x"}');
select pg_temp.make('mixing', '{"video_url": "x"}'), pg_temp.submit('mixing');
select is(
  pg_temp.cancel('mixing',
  'queued') ->> 'outcome', 'not_cancellable', 'a job whose video is being mixed is not cancelled');
select is(pg_temp.reason(pg_temp.job('mixing')), null, 'a job that is not cancelled is not refunded');
create function pg_temp.waits(p_name text) returns boolean language sql as $$
  select next_check_at > private.clock() and lease_until is null from private.job_queue
  where job_id = pg_temp.job(p_name)
$$;
select is(pg_temp.waits('mixing'), true, 'refused cancellations do not make a job due');
select public.schedule_retry(pg_temp.job('mixing'), attempt, 60) from private.job_queue
where job_id = pg_temp.job('mixing');
select pg_temp.cancel('mixing');
select is(pg_temp.waits('mixing'), true, 'refused cancellations use up no attempt');
select pg_temp.submit('mixing');
select pg_temp.start_transition('halved', '{"duration": 16}'), pg_temp.submit('halved');
select is(
  pg_temp.cancel('halved',
  'succeeded') ->> 'outcome', 'cancelled', 'a job is cancelled when only a part of its video is made');

-- Deletions.
select pg_temp.start_and_submit('asked');
update cancelled set answer = pg_temp.delete('asked');
select is(
  array[answer #>> '{runs_to_check,0,provider_job_id}', answer ->> 'deleted'], array['asked-1', '[]'],
  'a deletion of a job with a queued run asks for its state at the provider') from cancelled;
select is(answer -> 'not_found', '[]', 'a job that is not deleted yet is not reported as not found') from cancelled;
create temp table ids as select node_id, job_id from public.video_jobs;
select pg_temp.delete('asked', 'queued');
select is(
  pg_temp.reason(job_id), 'generation_failed_refund', 'a deletion of a job with a queued run does not count')
from ids where node_id = 'asked';
update cancelled set answer = pg_temp.delete('mixing');
select is(
  answer -> 'deleted', jsonb_build_array(job_id), 'a job whose video is made can be deleted') from cancelled, ids
where node_id = 'mixing';
select is(pg_temp.reason(job_id), 'cancelled_after_start_refund',
  'a deletion of a job whose video is made is refunded, and counts') from ids where node_id = 'mixing';
select is(
  (select count(*) from jsonb_array_elements(answer -> 'files') as file, ids
    where node_id = 'mixing' and file ->> 'path' like '%' || job_id || '%'), 3::bigint,
  'the files of a deleted job are deleted at once') from cancelled;

-- The limit. So far today these count: running, submitting, silent, half, sound, halved and mixing.
update public.app_settings set cancels_after_start_per_day = 8;
select pg_temp.start_and_submit('last'), pg_temp.cancel('last', 'running');
select is(pg_temp.reason(pg_temp.job('last')), 'cancelled_after_start_refund',
  'the last cancellation below the limit is refunded');
set local test.now = '2030-01-01 18:00:00+00';
select pg_temp.start_and_submit('beyond');
create temp table before as select pg_temp.balance() as balance;
select is(
  pg_temp.cancel('beyond', 'running'), '{"outcome": "cancel_limit_reached", "limit": 8, "retry_after": 64800}',
  'a cancellation above the limit is refused until the first one is a day old');
select is(
  (select array[status, stage] from public.video_jobs where node_id = 'beyond'), array['processing', 'generating'],
  'a job that is not cancelled continues');
select is(
  pg_temp.cancel('beyond') ->> 'outcome', 'cancel_limit_reached',
  'a repeated cancellation above the limit does not ask for the state again');
update cancelled set answer = pg_temp.delete('beyond');
select is(
  answer -> 'not_deleted',
  jsonb_build_array(jsonb_build_object('job_id', pg_temp.job('beyond'), 'code', 'cancel_limit_reached')),
  'a deletion above the limit is refused too') from cancelled;
select is(answer -> 'deleted' || (answer -> 'not_found'), '[]',
  'a refused deletion is neither deleted nor not found') from cancelled;
select is(pg_temp.balance(), balance, 'nothing is refunded above the limit') from before;
select pg_temp.start('unconfirmed');
select is(
  pg_temp.cancel('unconfirmed') ->> 'outcome', 'cancel_limit_reached',
  'the limit holds for a submission without an answer');
select pg_temp.start_and_submit('free');
select is(pg_temp.cancel('free') ->> 'outcome', 'check_run', 'above the limit a queued run is asked for its state');
select is(pg_temp.cancel('free', 'queued') ->> 'outcome', 'cancelled', 'above the limit a queued run is cancelled');
select is(pg_temp.cancel('made') ->> 'outcome', 'not_cancellable', 'above the limit a finished job is not cancellable');
delete from public.video_jobs where node_id in ('running', 'silent');
select is(
  pg_temp.cancel('beyond',
  'running') ->> 'outcome', 'cancel_limit_reached', 'cancellations of deleted jobs still count');
set local test.now = '2030-01-02 12:00:01+00';
select is(pg_temp.cancel('beyond', 'running') ->> 'outcome', 'cancelled', 'a job can be cancelled again after a day');
set local test.now = '2030-01-01 18:00:00+00';
update public.app_settings set cancels_after_start_per_day = 1;
create temp table unconfirmed as select pg_temp.job('unconfirmed') as job_id;
delete from auth.users where id = pg_temp.a();
select is(
  (select sum(change) from public.quota_log join unconfirmed using (job_id)), 0::bigint,
  'a user who leaves is refunded without a limit');
insert into auth.users (id, email, email_confirmed_at)
values ('00000000-0000-4000-8000-00000000000a', 'a+back@example.com', now());
select public.add_credits(pg_temp.a(), 100, 'purchase');
select pg_temp.start_and_submit('back');
select is(
  pg_temp.cancel('back',
  'running') ->> 'outcome', 'cancel_limit_reached', 'a user who leaves and comes back finds the limit again');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
