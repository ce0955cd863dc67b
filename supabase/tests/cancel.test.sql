begin;
select plan(13);
-- One step a job.
update public.pipeline_steps set is_available = false where name = 'thumbnail';

create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as
  $$ select current_setting('test.now')::timestamptz $$;
set local test.now = '2030-01-01 12:00:00+00';

insert into auth.users (id) values ('00000000-0000-4000-8000-00000000000a');
insert into public.models (
  id, name, category, provider, provider_model_id, pricing_type, cost_per_generation, settings_schema,
  typical_seconds, start_within_seconds, max_run_seconds)
values (
  '00000000-0000-4000-8000-000000000001', 'Test', 'text-to-video', 'fal', 'test', 'per_generation', 2, '{}',
  100, 900, 900);

create function pg_temp.start(p_name text) returns void language sql as $$
  select public.start_generation('00000000-0000-4000-8000-00000000000a', p_name, 'hash',
    'a cat', '00000000-0000-4000-8000-000000000001', '{}', null, p_name)
$$;
create function pg_temp.job(p_name text) returns uuid language sql as
  $$ select job_id from public.video_jobs where node_id = p_name $$;
create function pg_temp.cancel(p_name text) returns jsonb language sql as
  $$ select public.cancel_job('00000000-0000-4000-8000-00000000000a', pg_temp.job(p_name)) $$;
create function pg_temp.balance() returns integer language sql as
  $$ select credits_remaining from public.credit_balances where user_id = '00000000-0000-4000-8000-00000000000a' $$;

select pg_temp.start('running');
select public.record_submission(pg_temp.job('running'), 1, 'run-1');
select is(
  public.cancel_job('00000000-0000-4000-8000-00000000000b', pg_temp.job('running')), null,
  'another user''s job is as if it were not there');
select is((select status from public.video_jobs where node_id = 'running'), 'processing', 'and goes on');
create temp table cancelled as select pg_temp.cancel('running') as answer;
select is(answer -> 'cancelled', 'true', 'a running job is cancelled') from cancelled;
select is(
  answer #> '{job,status}' || (answer #> '{job,error_code}') || (answer #> '{job,credits_refunded}'),
  '["failed", "cancelled", 2]', 'which is a failure of its own kind, refunded in full') from cancelled;
select is(answer #>> '{work,provider_job_id}', 'run-1', 'the caller is told which run to stop') from cancelled;
select is(pg_temp.balance(), 20, 'the user has what they had');
select is(pg_temp.cancel('running') -> 'cancelled', 'false', 'a job is cancelled once');
select is(pg_temp.balance(), 20, 'and refunded once');

select pg_temp.start('submitting');
select is(pg_temp.cancel('submitting') -> 'cancelled', 'true', 'a job can be cancelled while it is submitted');
select is(
  public.record_submission(pg_temp.job('submitting'), 1, 'run') -> 'applied', 'false',
  'its submission is then told that nobody waits for it');

select pg_temp.start('delivered');
select public.record_submission(pg_temp.job('delivered'), 1, 'run-2');
select public.advance_step(pg_temp.job('delivered'), 1, '{"video_url": "x"}');
select public.complete_job(pg_temp.job('delivered'), 1, 'delivered.mp4');
update cancelled set answer = pg_temp.cancel('delivered');
select is(
  answer -> 'cancelled' || (answer #> '{job,status}'), '[false, "completed"]',
  'a delivered job is not cancelled') from cancelled;

select is(
  public.cancel_job('00000000-0000-4000-8000-00000000000a', gen_random_uuid()), null, 'an unknown job is not there');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
