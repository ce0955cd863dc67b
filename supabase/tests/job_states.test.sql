begin;
select plan(5);
\ir support/jobs.psql

select public.add_credits(pg_temp.a(), 980, 'purchase');
update public.app_settings set active_jobs_per_user = 100;

-- Starts a job of two steps, both optional or both required.
create function pg_temp.start_two_steps(p_name text, p_optional boolean) returns void language plpgsql as $$
begin
  perform pg_temp.start(p_name);
  update private.job_queue set steps = jsonb_build_array(
    steps -> 0 || jsonb_build_object('optional', p_optional, 'patience_seconds', 60, 'extras', '["a"]'::jsonb),
    steps -> 0 || jsonb_build_object('name', 'second', 'optional', p_optional, 'patience_seconds', 60, 'extras', '["b"]'::jsonb))
  where job_id = pg_temp.job(p_name);
  update public.video_jobs set steps = 2, step_names = '{generate,second}' where node_id = p_name;
end;
$$;

-- One action of a worker, a webhook or the owner.
create function pg_temp.act(p_name text, p_action text) returns void language plpgsql as $$
declare
  v_queued private.job_queue := pg_temp.queued(p_name);
  v_job_id uuid := v_queued.job_id;
  v_owner uuid := pg_temp.a();
  v_run text := p_name || v_queued.attempt;
begin
  case p_action
    when 'submit' then perform public.record_submission(v_job_id, v_queued.attempt, v_run);
    when 'run' then perform public.record_progress(v_job_id, v_queued.attempt, 'generating');
    when 'requeue' then perform public.record_progress(v_job_id, v_queued.attempt, 'queued');
    when 'look', 'look_in_queue' then
      perform public.record_looks(jsonb_build_array(jsonb_build_object('job_id', v_job_id, 'attempt', v_queued.attempt,
        'stage', case p_action when 'look' then 'generating' else 'queued' end)));
    when 'finish' then perform public.advance_step(v_job_id, v_queued.attempt,
  '{"video_url": "https://fal.media/v.mp4"}');
    when 'skip' then perform public.skip_step(v_job_id, v_queued.attempt);
    when 'retry' then perform public.schedule_retry(v_job_id, v_queued.attempt, 1);
    when 'adopt' then perform public.adopt_run(v_job_id, v_queued.attempt, v_run || '-late');
    when 'deliver' then perform public.complete_job(v_job_id, v_queued.attempt, 'v.mp4');
    when 'fail' then perform public.fail_job(v_job_id, v_queued.attempt, 'provider_error', 'x');
    when 'cancel' then
      perform public.cancel_job(v_owner, v_job_id, jsonb_build_object(v_queued.provider_job_id, 'running'));
    when 'delete' then
      perform public.delete_videos(v_owner, array[v_job_id], jsonb_build_object(v_queued.provider_job_id, 'running'));
  end case;
end;
$$;

-- The procedure that makes each change: of those in the call stack the innermost that the table names.
create temp table made (from_status text, from_stage text, to_status text, to_stage text, made_by text);
create function pg_temp.note_change() returns trigger language plpgsql as $$
declare
  v_calls text;
begin
  get diagnostics v_calls = pg_context;
  insert into made
  select old.status, old.stage, new.status, new.stage, name
  from (select distinct unnest(made_by) as name from private.job_changes()) as names
  where strpos(v_calls, 'public.' || name || '(') > 0
  order by strpos(v_calls, 'public.' || name || '(') limit 1;
  return null;
end;
$$;
create trigger note_change after update of status, stage on public.video_jobs for each row
  when ((old.status, old.stage) is distinct from (new.status, new.stage)) execute function pg_temp.note_change();

create function pg_temp.play(p_name text, p_optional boolean, p_actions text) returns void language plpgsql as $$
declare
  v_action text;
begin
  perform pg_temp.start_two_steps(p_name, p_optional);
  foreach v_action in array string_to_array(p_actions, ' ') loop
    perform pg_temp.act(p_name, v_action);
  end loop;
end;
$$;

select pg_temp.play('delivered', false, 'submit run requeue run finish submit finish deliver');
select pg_temp.play('seen', false, 'submit look look_in_queue');
select pg_temp.play('slow', false, 'submit finish submit run finish fail');
select pg_temp.play('refused', false, 'fail');
select pg_temp.play('half', false, 'submit finish fail');
select pg_temp.play('queued', false, 'submit fail');
select pg_temp.play('running', false, 'submit run fail');
select pg_temp.play('bare', true, 'submit skip submit skip');
select pg_temp.play('unwanted', true, 'submit run skip skip');
select pg_temp.play('plain', true, 'submit skip submit run skip');
select pg_temp.play('again', false, 'submit retry adopt');
select pg_temp.play('failed run', false, 'submit run retry');
select pg_temp.play('late', false, 'adopt');
select pg_temp.play('overtaken', false, 'submit adopt');
insert into public.quota_log (user_id, change, reason, balance_after, created_at)
select pg_temp.a(), 1, 'cancelled_after_start_refund', 0, private.clock()
from generate_series(1, 10);
select pg_temp.play('cancelled', false, 'submit cancel');
select pg_temp.play('deleted', false, 'submit delete');

select is(
  (select string_agg(made, e'\n' order by made) from (select distinct made::text from made) as changes (made)),
  (select string_agg(made, e'\n' order by made) from (
    select (from_status, from_stage, to_status, to_stage, name)::text
    from private.job_changes(), unnest(made_by) as name) as changes (made)),
  'each change of the table is made by each of its procedures, and by nothing else');
drop trigger note_change on public.video_jobs;

-- Every pair of states, by hand.
create temp table states (status text, stage text);
insert into states values
  ('pending', 'submitting'), ('processing', 'submitting'), ('processing', 'queued'), ('processing', 'generating'),
  ('processing', 'storing'), ('completed', 'completed'), ('failed', 'failed');
create function pg_temp.put(p_status text, p_stage text) returns void language sql as $$
  update public.video_jobs set
    status = p_status, stage = p_stage,
    completed_at = case when p_status in ('completed', 'failed') then private.clock() end,
    video_path = case when p_status = 'completed' then 'v.mp4' end,
    error_code = case when p_status = 'failed' then 'x' end,
    credits_refunded = case when p_status = 'failed' then credits_used else 0 end
  where node_id = 'tried'
$$;
create function pg_temp.tried(p_from states, p_to states) returns boolean language plpgsql as $$
begin
  alter table public.video_jobs disable trigger job_changes_are_allowed;
  perform pg_temp.put(p_from.status, p_from.stage);
  alter table public.video_jobs enable trigger job_changes_are_allowed;
  perform pg_temp.put(p_to.status, p_to.stage);
  return true;
exception when restrict_violation then
  return false;
end;
$$;
select pg_temp.start_two_steps('tried', false);
select is(
  (select string_agg(change, e'\n' order by change) from (
    select (f.status, f.stage, t.status, t.stage)::text from states as f, states as t
    where f <> t and pg_temp.tried(f, t)) as tried (change)),
  (select string_agg((from_status, from_stage, to_status, to_stage)::text, e'\n'
      order by (from_status, from_stage, to_status, to_stage)::text) from private.job_changes()),
  'of all changes by hand exactly those of the table are allowed');
select is_empty(
  $$ select * from private.job_changes() where from_status in ('completed',
  'failed') $$, 'a completed or failed job has no allowed change');
select is_empty(
  'select status, stage from public.video_jobs where (status, stage) not in (select status, stage from states)',
  'no job is in another state');
select throws_matching(
  $$ update public.video_jobs set status = 'completed', stage = 'storing' where node_id = 'tried' $$,
  'A job does not go from', 'no job is in a mix of two states');

select * from finish();
rollback;
