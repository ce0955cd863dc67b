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

-- Whose it is, and that it is once.
select pg_temp.start_and_submit('running');
select is(
  public.cancel_job(pg_temp.b(), pg_temp.job('running')), null,
  'another user''s job is as if it were not there');
select is((select status from public.video_jobs where node_id = 'running'), 'processing', 'and goes on');
create temp table cancelled as select pg_temp.cancel('running') as answer;
select is(
  array[answer ->> 'outcome', answer #>> '{leased_job,provider_job_id}'], array['check_run', 'running-1'],
  'whether a run that was queued has started the provider knows') from cancelled;
select is(pg_temp.balance(), 998, 'and until it has said so nothing is refunded');
update cancelled set answer = public.cancel_job(pg_temp.a(), pg_temp.job('running'),
  '{"another run": "queued"}');
select is(answer ->> 'outcome', 'check_run', 'what was seen of another run says nothing') from cancelled;
update cancelled set answer = pg_temp.cancel('running', 'running');
select is(answer ->> 'outcome', 'cancelled', 'a running job is cancelled') from cancelled;
select is(
  answer #> '{job,status}' || (answer #> '{job,error_code}') || (answer #> '{job,credits_refunded}'),
  '["failed", "cancelled", 2]', 'which is a failure of its own kind, refunded in full') from cancelled;
select is(answer #>> '{leased_job,provider_job_id}', 'running-1', 'the caller is told which run to stop') from cancelled;
select is(pg_temp.balance(), 1000, 'the user has what they had');
select is(pg_temp.cancel('running') ->> 'outcome', 'not_cancellable', 'a job is cancelled once');
select is(pg_temp.balance(), 1000, 'and refunded once');
select is(
  public.cancel_job(pg_temp.a(), gen_random_uuid()), null, 'an unknown job is not there');

-- What counts.
select is(pg_temp.reason(pg_temp.job('running')), 'cancelled_after_start_refund', 'a run that had started is counted');
select pg_temp.start_and_submit('queued'), pg_temp.cancel('queued', 'queued');
select is(pg_temp.reason(pg_temp.job('queued')), 'generation_failed_refund', 'one that was still queued is not');
select pg_temp.start('waiting'), public.schedule_retry(pg_temp.job('waiting'), 1, 10), pg_temp.cancel('waiting');
select is(
  pg_temp.reason(pg_temp.job('waiting')), 'generation_failed_refund', 'nor one of which nothing is at the provider');
select pg_temp.start('submitting'), pg_temp.cancel('submitting');
select is(
  pg_temp.reason(pg_temp.job('submitting')), 'cancelled_after_start_refund',
  'a submission whose answer is missing may be running');
select is(
  public.record_submission(pg_temp.job('submitting'), 1, 'run') -> 'applied', 'false',
  'when it comes it is told that nobody waits for it');
select pg_temp.start_and_submit('silent'), pg_temp.cancel('silent', 'unknown');
select is(
  pg_temp.reason(pg_temp.job('silent')), 'cancelled_after_start_refund',
  'so may one of which the provider says nothing');
select pg_temp.start_transition('half', '{"duration": 16}');
select pg_temp.make('half', '{"video_url": "x"}');
select pg_temp.make('half', '{"image_url": "x"}');
select pg_temp.submit('half'), pg_temp.cancel('half', 'queued');
select is(
  pg_temp.reason(pg_temp.job('half')), 'cancelled_after_start_refund',
  'a video of which a part is made has started, though the next is queued');
select pg_temp.start_transition('sound', '{"enable_music": true}');
select pg_temp.make('sound', '{"audio_url": "x"}'), pg_temp.make('sound', '{"audio_url": "x"}'), pg_temp.submit('sound');
select pg_temp.cancel('sound', 'queued');
select is(
  pg_temp.reason(pg_temp.job('sound')), 'cancelled_after_start_refund',
  'so has one of which only the music is made: that run is billed too');

-- What is made.
select pg_temp.start_and_submit('made');
update cancelled set answer = pg_temp.cancel('made', 'succeeded');
select is(
  array[answer ->> 'outcome', answer #>> '{leased_job,action}'], array['not_cancellable', 'check'],
  'a run that has succeeded is not cancelled, and its job is woken') from cancelled;
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
  pg_temp.cancel('mixing', 'queued') ->> 'outcome', 'not_cancellable', 'nor is one whose sound is laid under it');
select is(pg_temp.reason(pg_temp.job('mixing')), null, 'and it is not refunded');
create function pg_temp.waits(p_name text) returns boolean language sql as $$
  select next_check_at > private.clock() and lease_until is null from private.job_queue
  where job_id = pg_temp.job(p_name)
$$;
select is(pg_temp.waits('mixing'), true, 'nor looked at before its time, however often that is tried');
select public.schedule_retry(pg_temp.job('mixing'), attempt, 60) from private.job_queue
where job_id = pg_temp.job('mixing');
select pg_temp.cancel('mixing');
select is(pg_temp.waits('mixing'), true, 'and an attempt that waits its time is not used up');
select pg_temp.submit('mixing');
select pg_temp.start_transition('halved', '{"duration": 16}'), pg_temp.submit('halved');
select is(
  pg_temp.cancel('halved', 'succeeded') ->> 'outcome', 'cancelled', 'a part that is made is not yet the video');

-- Deletions.
select pg_temp.start_and_submit('asked');
update cancelled set answer = pg_temp.delete('asked');
select is(
  array[answer #>> '{runs_to_check,0,provider_job_id}', answer ->> 'deleted'], array['asked-1', '[]'],
  'who deletes a job whose run was queued is asked to look at it first') from cancelled;
select is(answer -> 'not_found', '[]', 'and it is not as if it were not there') from cancelled;
create temp table ids as select node_id, job_id from public.video_jobs;
select pg_temp.delete('asked', 'queued');
select is(
  pg_temp.reason(job_id), 'generation_failed_refund', 'if it is still queued that is not counted')
from ids where node_id = 'asked';
update cancelled set answer = pg_temp.delete('mixing');
select is(
  answer -> 'deleted', jsonb_build_array(job_id), 'a job whose video is made can be deleted') from cancelled, ids
where node_id = 'mixing';
select is(pg_temp.reason(job_id), 'cancelled_after_start_refund', 'refunded and counted') from ids where node_id = 'mixing';
select is(
  (select count(*) from jsonb_array_elements(answer -> 'files') as file, ids
    where node_id = 'mixing' and file ->> 'path' like '%' || job_id || '%'), 3::bigint,
  'and its files are to be deleted at once') from cancelled;

-- The limit: so far today running, submitting, silent, half, sound, halved and mixing.
update public.app_settings set cancels_after_start_per_day = 8;
select pg_temp.start_and_submit('last'), pg_temp.cancel('last', 'running');
select is(pg_temp.reason(pg_temp.job('last')), 'cancelled_after_start_refund', 'the last of the day is refunded');
set local test.now = '2030-01-01 18:00:00+00';
select pg_temp.start_and_submit('beyond');
create temp table before as select pg_temp.balance() as balance;
select is(
  pg_temp.cancel('beyond', 'running'), '{"outcome": "cancel_limit_reached", "limit": 8, "retry_after": 64800}',
  'the next is refused until the first is a day old');
select is(
  (select array[status, stage] from public.video_jobs where node_id = 'beyond'), array['processing', 'generating'],
  'and goes on');
select is(
  pg_temp.cancel('beyond') ->> 'outcome', 'cancel_limit_reached', 'asking again costs no call to the provider');
update cancelled set answer = pg_temp.delete('beyond');
select is(
  answer -> 'not_deleted',
  jsonb_build_array(jsonb_build_object('job_id', pg_temp.job('beyond'), 'code', 'cancel_limit_reached')),
  'a deletion of it is refused in the same way') from cancelled;
select is(answer -> 'deleted' || (answer -> 'not_found'), '[]', 'which leaves it there') from cancelled;
select is(pg_temp.balance(), balance, 'nothing was refunded') from before;
select pg_temp.start('unheard');
select is(
  pg_temp.cancel('unheard') ->> 'outcome', 'cancel_limit_reached', 'a missing answer is no way round it');
select pg_temp.start_and_submit('free');
select is(pg_temp.cancel('free') ->> 'outcome', 'check_run', 'what may be queued is asked for');
select is(pg_temp.cancel('free', 'queued') ->> 'outcome', 'cancelled', 'and cancelled if it is');
select is(pg_temp.cancel('made') ->> 'outcome', 'not_cancellable', 'a finished one is told so');
delete from public.video_jobs where node_id in ('running', 'silent');
select is(
  pg_temp.cancel('beyond', 'running') ->> 'outcome', 'cancel_limit_reached', 'what was deleted still counts');
set local test.now = '2030-01-02 12:00:01+00';
select is(pg_temp.cancel('beyond', 'running') ->> 'outcome', 'cancelled', 'a day later it can be cancelled again');
set local test.now = '2030-01-01 18:00:00+00';
update public.app_settings set cancels_after_start_per_day = 1;
create temp table unheard as select pg_temp.job('unheard') as job_id;
delete from auth.users where id = pg_temp.a();
select is(
  (select sum(change) from public.quota_log join unheard using (job_id)), 0::bigint, 'who leaves is refunded without a limit');
insert into auth.users (id, email, email_confirmed_at)
values ('00000000-0000-4000-8000-00000000000a', 'a+back@example.com', now());
select public.add_credits(pg_temp.a(), 100, 'purchase');
select pg_temp.start_and_submit('back');
select is(
  pg_temp.cancel('back', 'running') ->> 'outcome', 'cancel_limit_reached', 'and finds the limit again who comes back');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
