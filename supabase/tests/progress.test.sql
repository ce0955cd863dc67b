begin;
select plan(75);
\ir support/jobs.psql


-- In order.
select pg_temp.start('one');
select is(pg_temp.state('one'), 'pending submitting 0%', 'a job begins as pending');
select is(
  public.record_submission(pg_temp.job('one'), 1, 'run') #>> '{job,status}', 'processing',
  'a submission that was accepted makes it processing');
select is(pg_temp.state('one'), 'processing queued 0%', 'and it waits in the provider''s queue');
select is(
  public.record_submission(pg_temp.job('one'), 1, 'run') -> 'applied', 'true',
  'the same news twice is no contradiction');
select is(
  public.record_submission(pg_temp.job('one'), 1, 'another') -> 'applied', 'false',
  'another run does not take its place');

select is(
  public.record_progress(pg_temp.job('one'), 1, 'queued', null, 7) -> 'job' -> 'progress',
  '{"percent": 0, "stage": "queued", "step": 1, "steps": 1, "step_name": "generate", "queue_position": 7}',
  'progress tells the place in the queue');
select public.record_progress(pg_temp.job('one'), 1, 'generating', 40);
select is(pg_temp.state('one'), 'processing generating 38%', 'progress tells the provider''s percent, of what comes before storing');
select public.record_progress(pg_temp.job('one'), 1, 'generating', 30);
select is(pg_temp.state('one'), 'processing generating 38%', 'percent never falls');
set local test.now = '2030-01-01 12:01:15+00';
select public.record_progress(pg_temp.job('one'), 1, 'generating');
select is(pg_temp.state('one'), 'processing generating 57%', 'what nobody told is estimated from the typical time');
set local test.now = '2030-01-01 12:30:00+00';
select public.record_progress(pg_temp.job('one'), 1, 'generating');
select is(pg_temp.state('one'), 'processing generating 85%', 'and stays below what only the end can tell');
create temp table versions as select ctid as version from public.video_jobs where node_id = 'one';
select public.record_progress(pg_temp.job('one'), 1, 'generating');
select is(video_jobs.ctid, version, 'no news does not touch what the owner sees')
from public.video_jobs, versions where node_id = 'one';
set local test.now = '2030-01-01 12:10:00+00';
select public.record_progress(pg_temp.job('one'), 1, 'generating', 95);
select is(
  (select updated_at from public.video_jobs where node_id = 'one'), '2030-01-01 12:30:00+00',
  'updated_at never goes back, even if the clock does');
set local test.now = '2030-01-01 12:30:00+00';

create temp table advanced as
select public.advance_step(pg_temp.job('one'), 1, '{"video_url": "https://provider.test/v.mp4"}') as answer;
select is(pg_temp.state('one'), 'processing storing 95%', 'after the last step the video is stored');
select is(answer #>> '{leased_job,action}', 'store', 'by the caller') from advanced;
select is(
  answer #>> '{leased_job,artifacts,video,url}', 'https://provider.test/v.mp4', 'who is told where it is') from advanced;
select is(
  answer #> '{leased_job,artifacts,generate}', '{"url": "https://provider.test/v.mp4", "provider": "fal", "run": "run"}',
  'and who made it, in which run') from advanced;
select is(
  public.schedule_retry(pg_temp.job('one'), 1, 1) -> 'applied', 'false',
  'a job whose steps are done is not submitted again');

-- Two steps.
delete from private.run_times;
create function pg_temp.start_two(p_name text) returns void language sql as $$
  select pg_temp.start(p_name);
  update public.video_jobs set steps = 2, step_names = '{generate,polish}' where node_id = p_name;
  update private.job_queue set steps = steps ||
    '[{"name": "polish", "provider": "fal", "model": "x", "produces": "video_url", "input": {}, "credits": 0,
      "parts": [], "optional": false, "typical_seconds": 100, "max_run_seconds": 900}]'
  where job_id = pg_temp.job(p_name);
$$;
select pg_temp.start_two('two'), pg_temp.start_two('overdue');
select public.record_submission(pg_temp.job('two'), 1, 'run-1');
select public.record_progress(pg_temp.job('two'), 1, 'generating', 80);
select is(pg_temp.state('two'), 'processing generating 38%', 'percent is that of all steps');
update advanced set answer = public.advance_step(pg_temp.job('two'), 1, '{"video_url": "https://provider.test/v.mp4"}');
select is(pg_temp.state('two'), 'processing submitting 48%', 'a step that is not the last leads to the next one');
select is(answer #>> '{leased_job,step,name}', 'polish', 'which the work names') from advanced;
select is(answer #>> '{job,progress,step_name}', 'polish', 'and so does the job') from advanced;
select is(answer #>> '{leased_job,action}', 'submit', 'and it is the caller''s to submit') from advanced;
select is(
  public.advance_step(pg_temp.job('two'), 1, '{"video_url": "https://again.test/v.mp4"}') -> 'applied', 'false',
  'a step ends once, whoever tells it again');
select is(
  public.record_submission(pg_temp.job('two'), 1, 'run-1') -> 'applied', 'false',
  'a late answer to the submission of the step before is not taken for this one''s');
select is(answer #>> '{leased_job,attempt}', '2', 'at once, as a new attempt') from advanced;
select is(public.lease_job(pg_temp.job('two')), null, 'and nobody else''s meanwhile');
select public.record_submission(pg_temp.job('two'), 2, 'run-2');
select public.advance_step(pg_temp.job('two'), 2,
  '{"video_url": "https://provider.test/polished.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
select is(
  (select artifacts from private.job_queue where job_id = pg_temp.job('two')),
  '{"generate": {"url": "https://provider.test/v.mp4", "provider": "fal", "run": "run-1"},
    "polish": {"url": "https://provider.test/polished.mp4", "provider": "fal", "run": "run-2"},
    "video": {"url": "https://provider.test/polished.mp4", "provider": "fal", "run": "run-2"},
    "thumbnail": {"url": "https://provider.test/t.jpg", "provider": "fal", "run": "run-2"}}',
  'what the steps produced is gathered, and of the videos the newest is the one to deliver');

-- Past the deadline no attempt is opened for the next step, so that its number is that of the step before.
select public.record_submission(pg_temp.job('overdue'), 1, 'run-1');
select set_config('test.now', deadline_at::text, true) from private.job_queue where job_id = pg_temp.job('overdue');
update advanced set answer = public.advance_step(
  pg_temp.job('overdue'), 1, '{"video_url": "https://provider.test/v.mp4"}');
select is(
  answer #> '{leased_job,action}' || (answer #> '{leased_job,attempt}'), '["expire", 1]',
  'a step that is entered past the deadline is not submitted') from advanced;
select is(
  public.advance_step(pg_temp.job('overdue'), 1, '{"video_url": "https://again.test/v.mp4"}') -> 'applied', 'false',
  'nor ended by who tells the end of the step before again');
select is(
  public.record_submission(pg_temp.job('overdue'), 1, 'run-1') -> 'applied', 'false',
  'nor begun by a late answer to the submission of the step before');
set local test.now = '2030-01-01 12:30:00+00';

-- Again.
select pg_temp.start('again');
select public.record_submission(pg_temp.job('again'), 1, 'run-1');
select public.record_progress(pg_temp.job('again'), 1, 'generating', 60, 3);
select is(
  public.schedule_retry(pg_temp.job('again'), 1, 30) #>> '{job,status}', 'processing', 'a retry leaves the status');
select is(pg_temp.state('again'), 'processing submitting 57%', 'and the percent');
select is(
  (select next_check_at from private.job_queue where job_id = pg_temp.job('again')), '2030-01-01 12:30:30+00',
  'it is due after its delay');
select is(
  public.record_submission(pg_temp.job('again'), 1, 'run-1') -> 'applied', 'false',
  'the attempt that was given up cannot come back by a late answer');
select throws_ok(
  $$ select public.schedule_retry(pg_temp.job('again'), 1, null) $$, '22004', null,
  'a retry without a delay would never happen and is refused');
select public.lease_job(job_id) from private.job_queue, set_config('test.now', '2030-01-01 12:30:30+00', true)
where job_id = pg_temp.job('again');
select is(
  public.record_submission(pg_temp.job('again'), 1, 'run-1') -> 'applied', 'false',
  'a late answer to the attempt before is not taken for that of the one under way');
select public.record_submission(pg_temp.job('again'), 2, 'run-2');
select is(
  public.postpone(pg_temp.job('again'), 2, 60) -> 'applied', 'true', 'a look that told nothing is made again');
select is(
  (select array[failures::text, next_check_at::text, lease_until::text] from private.job_queue
    where job_id = pg_temp.job('again')),
  array['1', '2030-01-01 12:31:30+00', null], 'after its delay, and it is counted');
select throws_ok(
  $$ select public.postpone(pg_temp.job('again'), 2) $$, '22004', null, 'an unfinished job is never left alone');
select public.record_progress(pg_temp.job('again'), 2, 'queued', null, 2);
select is(
  (select failures from private.job_queue where job_id = pg_temp.job('again')), 0,
  'a look that told something resets the count');
select is(pg_temp.state('again'), 'processing queued 57%', 'percent does not fall with a new attempt');

-- Fenced: whoever believes in another attempt, or in a job that goes on, changes nothing and is told the truth.
create function pg_temp.is_fenced(p_name text, p_attempt integer, p_why text)
returns setof text language plpgsql as $body$
declare
  v_before jsonb := pg_temp.everything(p_name);
  v_call text;
  v_answer jsonb;
begin
  foreach v_call in array array[
    'record_submission($1, $2, $$late$$)', 'record_progress($1, $2, $$generating$$, 99)',
    'advance_step($1, $2, $${"video_url": "https://late.test/v.mp4"}$$)', 'schedule_retry($1, $2, 1)',
    'postpone($1, $2, 1)', 'complete_job($1, $2, $$late.mp4$$)', 'fail_job($1, $2, $$late$$, $$Late$$)'
  ] loop
    execute 'select public.' || v_call into v_answer using pg_temp.job(p_name), p_attempt;
    return next is(
      v_answer -> 'applied' || jsonb_build_array(v_answer #> '{job,status}'),
      jsonb_build_array(false, v_before -> 'status'),
      v_call || ' is fenced ' || p_why);
  end loop;
  return next is(pg_temp.everything(p_name), v_before, 'nothing has changed ' || p_why);
end;
$body$;
select pg_temp.is_fenced('again', 1, 'by a newer attempt');
select pg_temp.is_fenced('again', 3, 'by an attempt that was never made');
select public.complete_job(pg_temp.job('one'), 1, 'one.mp4');
select pg_temp.is_fenced('one', 1, 'by the end of a delivered job');
select public.fail_job(pg_temp.job('again'), 2, 'timeout', 'It took too long');
select pg_temp.is_fenced('again', 2, 'by the end of a failed job');
select is(
  public.record_progress(gen_random_uuid(), 1, 'generating') -> 'applied', 'false',
  'a job that is not there is not moved');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
