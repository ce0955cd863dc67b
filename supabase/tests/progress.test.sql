begin;
select plan(80);
\ir support/jobs.psql


-- One step.
select pg_temp.start('one');
select is(pg_temp.state('one'), 'pending submitting 0%', 'a job begins as pending');
select is(
  public.record_submission(pg_temp.job('one'), 1, 'run') #>> '{job,status}', 'processing',
  'an accepted submission makes a job processing');
select is(pg_temp.state('one'), 'processing queued 0%', 'an accepted job is queued');
select is(
  public.record_submission(pg_temp.job('one'), 1, 'run') -> 'applied', 'true',
  'the same submission can be recorded twice');
select is(
  public.record_submission(pg_temp.job('one'), 1, 'another') -> 'applied', 'false',
  'another run does not replace the recorded one');

select is(
  public.record_progress(pg_temp.job('one'), 1, 'queued', null, 7) -> 'job' -> 'progress',
  '{"percent": 0, "stage": "queued", "step": 1, "steps": 1, "step_name": "generate", "queue_position": 7}',
  'progress has the place in the queue');
select public.record_progress(pg_temp.job('one'), 1, 'generating', 40);
select is(pg_temp.state('one'), 'processing generating 38%',
  'progress has the percent of the provider, scaled to what comes before storing');
select public.record_progress(pg_temp.job('one'), 1, 'generating', 30);
select is(pg_temp.state('one'), 'processing generating 38%', 'the percent never falls');
set local test.now = '2030-01-01 12:01:15+00';
select public.record_progress(pg_temp.job('one'), 1, 'generating');
select is(pg_temp.state('one'), 'processing generating 57%', 'a missing percent is estimated from the typical time');
set local test.now = '2030-01-01 12:30:00+00';
select public.record_progress(pg_temp.job('one'), 1, 'generating');
select is(pg_temp.state('one'), 'processing generating 85%', 'an estimated percent stays below the end of the step');
create temp table versions as select ctid as version from public.video_jobs where node_id = 'one';
select public.record_progress(pg_temp.job('one'), 1, 'generating');
select is(video_jobs.ctid, version, 'unchanged progress does not write the job')
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
select is(answer #>> '{leased_job,action}', 'store',
  'the worker that ends the last step stores the video') from advanced;
select is(
  answer #>> '{leased_job,artifacts,video,url}', 'https://provider.test/v.mp4',
  'a leased job has the URL of its video') from advanced;
select is(
  answer #> '{leased_job,artifacts,generate}', '{"url": "https://provider.test/v.mp4", "provider": "fal", "run": "run"}',
  'an artifact names its provider and its run') from advanced;
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
      "extras": [], "optional": false, "typical_seconds": 100, "max_run_seconds": 900}]'
  where job_id = pg_temp.job(p_name);
$$;
select pg_temp.start_two('two'), pg_temp.start_two('overdue');
select public.record_submission(pg_temp.job('two'), 1, 'run-1');
select public.record_progress(pg_temp.job('two'), 1, 'generating', 80);
select is(pg_temp.state('two'), 'processing generating 38%', 'the percent covers all steps');
update advanced set answer = public.advance_step(pg_temp.job('two'), 1, '{"video_url": "https://provider.test/v.mp4"}');
select is(pg_temp.state('two'), 'processing submitting 48%', 'a step that is not the last leads to the next one');
select is(answer #>> '{leased_job,step,name}', 'polish', 'the leased job names its next step') from advanced;
select is(answer #>> '{job,progress,step_name}', 'polish', 'the job names its next step') from advanced;
select is(answer #>> '{leased_job,action}', 'submit', 'the worker that ends a step submits the next one') from advanced;
select is(
  public.advance_step(pg_temp.job('two'), 1, '{"video_url": "https://again.test/v.mp4"}') -> 'applied', 'false',
  'a step ends once');
select is(
  public.record_submission(pg_temp.job('two'), 1, 'late') -> 'applied', 'false',
  'a late answer to the submission of the step before is not applied');
select is(answer #>> '{leased_job,attempt}', '2', 'the next step is a new attempt') from advanced;
select is(public.lease_job(pg_temp.job('two')), null, 'the next step is leased to one worker');
select public.record_submission(pg_temp.job('two'), 2, 'run-2');
select public.advance_step(pg_temp.job('two'), 2,
  '{"video_url": "https://provider.test/polished.mp4", "thumbnail_url": "https://provider.test/t.jpg"}');
select is(
  (select artifacts from private.job_queue where job_id = pg_temp.job('two')),
  '{"generate": {"url": "https://provider.test/v.mp4", "provider": "fal", "run": "run-1"},
    "polish": {"url": "https://provider.test/polished.mp4", "provider": "fal", "run": "run-2"},
    "video": {"url": "https://provider.test/polished.mp4", "provider": "fal", "run": "run-2"},
    "thumbnail": {"url": "https://provider.test/t.jpg", "provider": "fal", "run": "run-2"}}',
  'the artifacts of all steps are kept, and the newest video is the one to deliver');

-- After the deadline no attempt is opened for the next step: its number is that of the step before.
select public.record_submission(pg_temp.job('overdue'), 1, 'run-1');
select set_config('test.now', deadline_at::text, true) from private.job_queue where job_id = pg_temp.job('overdue');
update advanced set answer = public.advance_step(
  pg_temp.job('overdue'), 1, '{"video_url": "https://provider.test/v.mp4"}');
select is(
  answer #> '{leased_job,action}' || (answer #> '{leased_job,attempt}'), '["expire", 1]',
  'a step that begins after the deadline is not submitted') from advanced;
select is(
  public.advance_step(pg_temp.job('overdue'), 1, '{"video_url": "https://again.test/v.mp4"}') -> 'applied', 'false',
  'a repeated end of the step before does not end a step that begins after the deadline');
select is(
  public.record_submission(pg_temp.job('overdue'), 1, 'run-1') #>> '{job,progress,stage}', 'submitting',
  'a late answer to the submission of the step before does not start a step that begins after the deadline');
select is(
  array[
    public.record_submission(pg_temp.job('overdue'), 1, 'run-1') -> 'applied',
    public.record_submission(pg_temp.job('overdue'), 1, 'run-0') -> 'applied'],
  '{true,false}', 'a late answer that names the run that made the result is no error');
set local test.now = '2030-01-01 12:30:00+00';

-- Retries and postponed checks.
select pg_temp.start('again');
select public.record_submission(pg_temp.job('again'), 1, 'run-1');
select public.record_progress(pg_temp.job('again'), 1, 'generating', 60, 3);
select is(
  public.schedule_retry(pg_temp.job('again'), 1, 30) #>> '{job,status}', 'processing', 'a retry keeps the status');
select is(pg_temp.state('again'), 'processing submitting 57%', 'a retry keeps the percent');
select is(
  (select next_check_at from private.job_queue where job_id = pg_temp.job('again')), '2030-01-01 12:30:30+00',
  'a retry is due after its delay');
select is(
  public.record_submission(pg_temp.job('again'), 1, 'run-1') -> 'applied', 'false',
  'a late answer does not bring back an attempt that was given up');
select throws_ok(
  $$ select public.schedule_retry(pg_temp.job('again'), 1, null) $$, '22004', null,
  'a retry without a delay is refused');
select public.lease_job(job_id) from private.job_queue, set_config('test.now', '2030-01-01 12:30:30+00', true)
where job_id = pg_temp.job('again');
select is(
  public.record_submission(pg_temp.job('again'), 1, 'run-1') -> 'applied', 'false',
  'a late answer to the attempt before is not applied to the current one');
select public.record_submission(pg_temp.job('again'), 2, 'run-2');
select is(
  public.postpone(pg_temp.job('again'), 2, 60) -> 'applied', 'true', 'a check without a result is postponed');
select is(
  (select array[failures::text, next_check_at::text, lease_until::text] from private.job_queue
    where job_id = pg_temp.job('again')),
  array['1', '2030-01-01 12:31:30+00', null], 'a postponed check is due after its delay, and counted');
select throws_ok(
  $$ select public.postpone(pg_temp.job('again'), 2) $$, '22004', null,
  'an unfinished job cannot be postponed without a delay');
select public.record_progress(pg_temp.job('again'), 2, 'queued', null, 2);
select is(
  (select failures from private.job_queue where job_id = pg_temp.job('again')), 0,
  'a check with a result resets the count');
select is(pg_temp.state('again'), 'processing queued 57%', 'the percent does not fall with a new attempt');

-- Fenced: a report of another attempt, or of a job that has ended, changes nothing and gets the current state.
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

-- Several looks at once.
select pg_temp.start('seen 1'), pg_temp.start('seen 2');
select public.record_submission(pg_temp.job(name), 1, name) from unnest(array['seen 1', 'seen 2']) as name;
create temp table looks as select jsonb_agg(look) as looks from (
  select pg_temp.job(name) as job_id, attempt, 'generating' as stage, 40 as percent, null as queue_position
  from (values ('seen 1', 1), ('seen 2', 7), ('one', 1)) as look (name, attempt)
  union all select gen_random_uuid(), 1, 'generating', 40, null) as look;
select results_eq(
  $$ select node_id, look ->> 'status' from looks, public.record_looks(looks) as look
    join public.video_jobs on job_id = (look ->> 'job_id')::uuid order by node_id $$,
  $$ values ('one', 'completed'), ('seen 1', 'processing'), ('seen 2', 'processing') $$,
  'looks recorded together return the status of each job that exists');
select is(pg_temp.state('seen 1'), 'processing generating 38%', 'a look recorded with others is recorded');
select is(pg_temp.state('seen 2'), 'processing queued 0%', 'a look at another attempt is not recorded with the others');
update versions set version = (select ctid from public.video_jobs where node_id = 'seen 1');
update private.job_queue set lease_until = private.clock() where job_id = pg_temp.job('seen 1');
select public.record_looks(looks) from looks;
select is(
  array[video_jobs.ctid::text, lease_until::text], array[version::text, null],
  'a look that saw nothing new does not write the job, and ends its lease')
from versions, public.video_jobs join private.job_queue using (job_id) where node_id = 'seen 1';
select is(
  public.record_progress(gen_random_uuid(), 1, 'generating') -> 'applied', 'false',
  'progress of an unknown job is not applied');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
