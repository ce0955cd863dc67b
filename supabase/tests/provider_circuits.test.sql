begin;
select plan(24);
-- One step a job.
update public.pipeline_steps set is_available = false where name = 'thumbnail';

create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as
  $$ select current_setting('test.now')::timestamptz $$;
set local test.now = '2030-01-01 12:00:00+00';

insert into auth.users (id, email, email_confirmed_at) values ('00000000-0000-4000-8000-00000000000a', 'a@example.com', now());
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
create function pg_temp.outcome(p_key text) returns text language sql as $$
  select concat_ws(' ', answer ->> 'outcome', answer ->> 'retry_after')
  from public.start_generation('00000000-0000-4000-8000-00000000000a', p_key, 'hash',
    'a cat', '00000000-0000-4000-8000-000000000001', '{}', null, p_key) as answer
$$;
update public.app_settings set circuit_failures = 3, circuit_open_seconds = 30;

select is(public.record_provider_failure('fal'), false, 'one failure is bad luck');
select is(public.record_provider_failure('fal'), false, 'so are two');
select is(pg_temp.outcome('still'), 'created', 'requests are taken');
select public.record_submission(pg_temp.job('still'), 1, 'run');
select is_empty('select from private.provider_circuits', 'a submission that is taken forgets them');
select public.record_provider_failure('fal'), public.record_provider_failure('fal');
select is(public.record_provider_failure('fal'), true, 'three in a row open the circuit, which is told once');
select is(public.record_provider_failure('fal'), false, 'and not again by those that were under way');
select is(public.health() -> 'open_circuits', '["fal"]', 'the health of the system shows it');

create temp table entries as select count(*) from public.quota_log;
select is(pg_temp.outcome('refused'), 'provider_unavailable 30', 'a request is refused while the circuit is open');
select is((select count(*) from public.quota_log), count, 'before any charge') from entries;
select is(pg_temp.outcome('still'), 'replayed', 'a replay is not');
update public.models set provider = 'veo' where name = 'Test';
select is(pg_temp.outcome('elsewhere'), 'created', 'nor is a request for another provider');
update public.models set provider = 'fal' where name = 'Test';

set local test.now = '2030-01-01 12:00:29.5+00';
select is(pg_temp.outcome('refused'), 'provider_unavailable 1', 'the time to wait is never nothing');
set local test.now = '2030-01-01 12:00:30+00';
select is(pg_temp.outcome('probe'), 'created', 'when the time is over one request may try');
select is(pg_temp.outcome('second'), 'provider_unavailable 30', 'and only one');
select is(public.record_provider_failure('fal'), false, 'if it fails as well the circuit stays open');
set local test.now = '2030-01-01 12:00:59+00';
select is(pg_temp.outcome('refused'), 'provider_unavailable 1', 'for as long again');
set local test.now = '2030-01-01 12:01:00+00';
select is(pg_temp.outcome('second probe'), 'created', 'then one may try again');
select public.record_submission(pg_temp.job('second probe'), 1, 'run');
select is(pg_temp.outcome('refused'), 'created', 'a submission that is taken closes the circuit');
select is(public.health() -> 'open_circuits', '[]', 'and all is well');

select is(public.record_provider_failure('fal', true), true, 'an account that is refused opens the circuit at once');
select is(pg_temp.outcome('locked'), 'provider_unavailable 30', 'and requests are refused');

select is(public.health() -> 'overdue_jobs', '0', 'no job is overdue');
set local test.now = '2030-01-01 12:05:01+00';
select isnt(public.health() -> 'overdue_jobs', '0', 'jobs that nobody looks at for a minute past their time are');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
