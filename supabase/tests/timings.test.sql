-- The timings of a job: each moment of its life counts once, and an operator sees them by model.
begin;
select plan(30);
\ir support/steps.psql
update public.pipeline_steps set is_available = false where name = 'thumbnail';

create function pg_temp.travel_to(p_seconds numeric) returns void language sql as
  $$ select set_config('test.now', (timestamptz '2030-01-01 12:00:00+00' + make_interval(secs => p_seconds))::text, true) $$;
-- Queued, generating, storing, told and total seconds.
create function pg_temp.timings(p_name text) returns text language sql as $$
  select format('%s %s %s %s %s', queued::real, generating::real, coalesce(storing::real::text, '-'),
    coalesce(told::real::text, '-'), total::real)
  from private.job_timings where job_id = pg_temp.job(p_name)
$$;
create function pg_temp.poll(p_name text) returns jsonb language sql as
  $$ select public.read_job(pg_temp.a(), pg_temp.job(p_name)) $$;
create function pg_temp.told_at(p_name text) returns timestamptz language sql as
  $$ select (pg_temp.queued(p_name)).told_at $$;

-- A video of one step.
select pg_temp.start('one');
select pg_temp.travel_to(1), pg_temp.submit('one');
select pg_temp.travel_to(5), public.record_progress(pg_temp.job('one'), 1, 'queued');
select pg_temp.travel_to(8), public.record_progress(pg_temp.job('one'), 1, 'generating');
select is(pg_temp.timings('one'), null, 'a job that goes on has no timings yet');
select pg_temp.poll('one');
select pg_temp.travel_to(25), pg_temp.make('one');
select pg_temp.poll('one');
select is(pg_temp.told_at('one'), null, 'polls of a job that goes on tell no end');
select pg_temp.travel_to(28), pg_temp.complete('one');
select is(pg_temp.timings('one'), '5 20 3 - 28',
  'a run begins when it was last seen to wait, the file is stored from its end, and nobody was told yet');
select pg_temp.travel_to(29), public.read_job(pg_temp.b(), pg_temp.job('one'));
select is(pg_temp.told_at('one'), null, 'the poll of another user tells nothing');
select pg_temp.travel_to(30), pg_temp.poll('one');
select is(pg_temp.timings('one'), '5 20 3 2 28', 'the first poll that shows the end tells it');
select pg_temp.travel_to(40), pg_temp.poll('one');
select public.list_videos(pg_temp.a(), 9);
select is(pg_temp.timings('one'), '5 20 3 2 28', 'a job is told once');

-- Told in other ways.
select pg_temp.travel_to(0), pg_temp.start(name), pg_temp.make(name), pg_temp.complete(name)
from unnest(array['listed', 'changed', 'late']) as name;
select pg_temp.travel_to(4), public.list_videos(pg_temp.a(), 9, p_node_id => 'listed');
select is(pg_temp.timings('listed'), '0 0 0 4 0', 'a list that shows the end tells it');
select is(pg_temp.timings('changed'), '0 0 0 - 0', 'a list without the job does not tell its end');
select pg_temp.travel_to(6);
select public.changed_videos(pg_temp.a(), 0, 9, p_status => 'completed');
select is(pg_temp.timings('changed'), '0 0 0 6 0', 'a list of changes that shows the end tells it');
update private.job_queue set told_at = null where job_id = pg_temp.job('late');
select pg_temp.travel_to(3601), pg_temp.poll('late'), public.list_videos(pg_temp.a(), 9), public.changed_videos(pg_temp.a(), 0, 9);
select is(pg_temp.timings('late'), '0 0 0 - 0', 'what is told after an hour is not measured');
select pg_temp.travel_to(0), pg_temp.start('own'), pg_temp.make('own');
select public.complete_job(job_id, attempt, 'own.mp4', p_told => true) from pg_temp.queued('own');
select is(pg_temp.timings('own'), '0 0 0 0 0', 'a poll that delivers the video tells it at once');

-- Failed and cancelled.
select pg_temp.travel_to(0), pg_temp.start('refused');
select pg_temp.travel_to(2), public.fail_job(pg_temp.job('refused'), 1, 'content_policy', 'x', '{}');
select is(pg_temp.timings('refused'), '2 0 - 0 2', 'a job that was never sent has only waited, and its own request tells it');
select pg_temp.travel_to(0), pg_temp.start('failed'), pg_temp.submit('failed');
select pg_temp.travel_to(3), public.record_progress(pg_temp.job('failed'), 1, 'queued');
select pg_temp.travel_to(9), public.record_progress(pg_temp.job('failed'), 1, 'generating');
select pg_temp.travel_to(13), pg_temp.fail('failed');
select is(pg_temp.timings('failed'), '3 10 - - 13', 'the run in which a job fails was generating until then');
select pg_temp.travel_to(14), pg_temp.poll('failed');
select is(pg_temp.timings('failed'), '3 10 - 1 13', 'a poll tells a failure too');
select pg_temp.travel_to(0), pg_temp.start('not stored'), pg_temp.submit('not stored');
select pg_temp.travel_to(7), pg_temp.make('not stored');
select pg_temp.travel_to(11), pg_temp.fail('not stored', 'storage_failed');
select is(pg_temp.timings('not stored'), '0 7 4 - 11', 'a video that cannot be stored has its time of storing');
select pg_temp.travel_to(0), pg_temp.start('cancelled'), pg_temp.submit('cancelled');
select pg_temp.travel_to(6), public.cancel_job(pg_temp.a(), pg_temp.job('cancelled'), '{"cancelled-1": "queued"}');
select is(pg_temp.timings('cancelled'), '6 0 - 0 6', 'a job that is cancelled in the queue has only waited, and its owner knows');
select pg_temp.travel_to(0), pg_temp.start('refunded'), pg_temp.travel_to(1), pg_temp.fail('refunded');
select is(pg_temp.timings('refunded'), '1 0 - - 1', 'a job that support ends is not told by that');

-- Attempts and steps.
select pg_temp.travel_to(0), pg_temp.start('again'), pg_temp.submit('again');
select pg_temp.travel_to(10), public.record_progress(pg_temp.job('again'), 1, 'generating');
select pg_temp.travel_to(20), public.schedule_retry(pg_temp.job('again'), 1, 5);
select pg_temp.travel_to(25), public.lease_job(pg_temp.job('again'));
select pg_temp.submit('again');
select pg_temp.travel_to(40), pg_temp.make('again'), pg_temp.complete('again');
select is(pg_temp.timings('again'), '25 15 0 - 40', 'only the run that made the video was generating');
select pg_temp.travel_to(0), pg_temp.start_transition('steps', pg_temp.sounding('["music"]'));
select pg_temp.submit('steps'), pg_temp.travel_to(4), pg_temp.make('steps', '{"audio_url": "https://provider.test/a.mp3"}');
select is((pg_temp.queued('steps')).generating_seconds, 4::numeric, 'the run of a step is counted when it ends');
select is((pg_temp.queued('steps')).made_at, null, 'a job with steps to do is not yet stored');
select pg_temp.submit('steps'), pg_temp.travel_to(10);
select pg_temp.skip('steps');
select pg_temp.travel_to(11), pg_temp.submit('steps'), pg_temp.travel_to(31), pg_temp.make('steps');
select pg_temp.submit('steps'), pg_temp.travel_to(34), pg_temp.make('steps');
select pg_temp.travel_to(36), pg_temp.complete('steps');
select is(pg_temp.state('steps'), 'completed completed 100%', 'the transition is delivered');
-- 4, then 6 of the music that nobody got, then 21 of the picture, whose attempt was opened with the step, then 3.
select is(pg_temp.timings('steps'), '6 28 2 - 36', 'the runs of all steps that made something are added up');

-- Copied later: the owner has the video.
select pg_temp.travel_to(0), pg_temp.start('copied'), pg_temp.make('copied');
select pg_temp.travel_to(1), public.complete_job(job_id, attempt, p_copy_again_after_seconds => 5) from pg_temp.queued('copied');
select pg_temp.travel_to(9), public.record_stored_video(pg_temp.job('copied'), 'copied.mp4');
select is(pg_temp.timings('copied'), '0 0 1 - 1', 'storing ends with the delivery, also where the copy comes later');

-- Imported.
insert into private.imported_users (source, source_id, user_id) values ('old', 'one', pg_temp.a());
select public.import_videos('old', jsonb_build_array(jsonb_build_object('id', 'v', 'user', 'one', 'prompt', 'an old cat',
  'status', 'completed', 'credits_used', 3, 'node_id', 'imported', 'video_url', 'https://old.example/v.mp4',
  'created_at', '2030-01-01T11:55:00Z', 'completed_at', '2030-01-01T12:00:00Z')));
select pg_temp.poll('imported');
select is(pg_temp.timings('imported'), null, 'an imported video has no timings');

-- By model.
select pg_temp.travel_to(200000), pg_temp.start('run ' || seconds), pg_temp.submit('run ' || seconds),
  pg_temp.travel_to(200000 + seconds), pg_temp.make('run ' || seconds),
  pg_temp.travel_to(200001 + seconds), pg_temp.complete('run ' || seconds)
from unnest(array[10, 20, 30, 40]) as seconds;
select pg_temp.travel_to(200043), pg_temp.poll('run 40');
select pg_temp.travel_to(200042), pg_temp.start('broken'), pg_temp.travel_to(200048), pg_temp.fail('broken');
select results_eq(
  $$ select model, provider, provider_model, steps, status, jobs, jobs_told,
      queued_median, queued_p95, generating_median, generating_p95, storing_median, storing_p95,
      told_median, told_p95, total_median, total_p95 from public.timings_by_model('1 hour') $$,
  $$ values
    ('Test', 'fal', 'test', 1, 'completed', 4::bigint, 1::bigint,
      0.00, 0.00, 25.00, 38.50, 1.00, 1.00, 2.00, 2.00, 26.00, 39.50),
    ('Test', 'fal', 'test', 1, 'failed', 1, 0, 6.00, 6.00, 0.00, 0.00, null, null, null, null, 6.00, 6.00) $$,
  'an operator sees the medians and the 95th percentiles by model, of the window alone, with the failed apart');
select results_eq(
  $$ select status, jobs, generating_median from public.timings_by_model('1 hour', 2) $$,
  $$ values ('completed', 1::bigint, 40.00), ('failed', 1, 0.00) $$, 'of very many jobs the newest are taken');
select results_eq(
  $$ select model, steps, jobs, generating_median from public.timings_by_model('3 days') where steps > 1 $$,
  $$ values ('Test transition', 5, 1::bigint, 28.00) $$, 'jobs of several steps are apart from those of one');
select pg_temp.travel_to(200060);
select is_empty($$ select from public.timings_by_model('1 second') $$, 'a window in which no job ended has no figures');
set local role service_role;
select isnt_empty('select from public.timings_by_model()', 'the service role reads the figures');
reset role;
select is_empty('select * from public.audit_credits()', 'the books balance');
select * from finish();
rollback;
