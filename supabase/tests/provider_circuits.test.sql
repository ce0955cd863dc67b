begin;
select plan(49);
\ir support/jobs.psql

create function pg_temp.outcome(p_name text) returns text language sql as
  $$ select concat_ws(' ', answer ->> 'outcome', answer ->> 'retry_after') from pg_temp.start(p_name) as answer $$;
update public.app_settings set circuit_failures = 3, circuit_open_seconds = 30;

-- The answer to a submission of the job of that name, or of a job without a probe.
create function pg_temp.tells(p_answer text, p_name text default null) returns boolean language sql as
  $$ select public.record_provider_answer('fal', p_answer, coalesce(pg_temp.job(p_name), gen_random_uuid())) $$;

select is(pg_temp.tells('failed'), false, 'one failure does not open the circuit');
select is(pg_temp.tells('failed'), false, 'two failures do not open the circuit');
select is(pg_temp.outcome('still'), 'created', 'requests are accepted below the limit of failures');
select is(pg_temp.tells('not_sent'), false, 'a request that was not sent does not open the circuit');
select results_eq('select failures from private.provider_circuits', array[2],
  'a request that was not sent does not reset the failures');
select public.record_submission(pg_temp.job('still'), 1, 'run');
select is_empty('select from private.provider_circuits', 'an accepted submission resets the failures');
select pg_temp.tells('failed'), pg_temp.tells('failed'), pg_temp.tells('answered');
select is_empty('select from private.provider_circuits', 'any answer of the provider resets the failures');
select pg_temp.tells('failed'), pg_temp.tells('failed');
select is(pg_temp.tells('failed'), true, 'the third failure in a row opens the circuit, and says so');
select is(pg_temp.tells('failed'), false, 'a failure after the circuit has opened does not say so again');
select is(public.health() -> 'open_circuits', '["fal"]', 'the health check shows the open circuit');
select throws_ok($$ select pg_temp.tells('perhaps') $$, '20000', null, 'an unknown kind of answer is refused');

create temp table entries as select count(*) from public.quota_log;
select is(pg_temp.outcome('refused'), 'provider_unavailable 30', 'a request is refused while the circuit is open');
select is((select count(*) from public.quota_log), count,
  'a request that is refused for the circuit is not charged') from entries;
select is(pg_temp.outcome('still'), 'replayed', 'a replay is answered while the circuit is open');
update public.models set provider = 'veo' where name = 'Test';
select is(pg_temp.outcome('elsewhere'), 'created', 'a request for another provider is accepted');
update public.models set provider = 'fal' where name = 'Test';

set local test.now = '2030-01-01 12:00:29.5+00';
select is(pg_temp.outcome('refused'), 'provider_unavailable 1', 'the time to wait is at least one second');
set local test.now = '2030-01-01 12:00:30+00';
select is(pg_temp.outcome('probe'), 'created', 'one request may probe the provider after the time of the circuit');
select is(pg_temp.outcome('second'), 'provider_unavailable 30', 'only one request may probe the provider');
select is(pg_temp.tells('failed', 'probe'), false, 'a failed probe does not report a newly opened circuit');
set local test.now = '2030-01-01 12:00:59+00';
select is(pg_temp.outcome('refused'), 'provider_unavailable 1',
  'a failed probe keeps the circuit open for as long again');
set local test.now = '2030-01-01 12:01:00+00';
select is(pg_temp.outcome('second probe'), 'created', 'the next request may probe the provider after that');
select public.record_submission(pg_temp.job('second probe'), 1, 'run');
select is(pg_temp.outcome('refused'), 'created', 'an accepted submission closes the circuit');
select is(public.health() -> 'open_circuits', '[]', 'the health check shows no open circuit');

-- A probe belongs to a request that reaches the provider: otherwise one user could keep the circuit open for all.
select is(pg_temp.tells('account_refused'), true, 'a refused account opens the circuit at once');
select is(pg_temp.outcome('locked'), 'provider_unavailable 30',
  'requests are refused after the provider has refused our account');
select is(public.health() -> 'overdue_jobs', '0', 'no job is overdue');

set local test.now = '2030-01-01 12:02:00+00';
update public.app_settings set seconds_per_month = 1;
update public.models set settings_schema = '{"settings": {"duration": {"values": [5], "default": 5}}}' where name = 'Test';
select matches(pg_temp.outcome('too much'), '^monthly_quota_reached',
  'a request above the monthly quota is refused for the quota');
update public.app_settings set seconds_per_month = null, generations_per_hour = 1;
select matches(pg_temp.outcome('too many'), '^rate_limited',
  'a request above the limit of the hour is refused for that limit');
update public.app_settings set generations_per_hour = 200;
select is(pg_temp.outcome('not sent'), 'created', 'requests that are refused for another reason do not take the probe');
select is(pg_temp.outcome('waiting'), 'provider_unavailable 30', 'the next request waits for the probe');
select is(pg_temp.tells('not_sent', 'probe'), false, 'another job cannot give the probe back');
select is(pg_temp.outcome('waiting'), 'provider_unavailable 30', 'other requests wait until the probe is given back');
select is(pg_temp.tells('not_sent',
  'not sent'), false, 'the job that has the probe gives it back when nothing was sent');
select is(pg_temp.outcome('third probe'), 'created',
  'the next request may probe at once when the probe was given back');
select public.fail_job(pg_temp.job('third probe'), 1, 'timeout', 'It took too long');
select is(pg_temp.outcome('fourth probe'), 'created', 'a probe whose job fails without an answer is given back');
set local test.now = '2030-01-01 12:02:29+00';
select is(pg_temp.outcome('waiting'), 'provider_unavailable 1', 'a probe without any answer keeps its time');
set local test.now = '2030-01-01 12:02:30+00';
select is(pg_temp.outcome('fifth probe'), 'created', 'the next request may probe when the time of a probe is over');
select pg_temp.tells('failed', 'fourth probe'), pg_temp.tells('not_sent', 'fifth probe');
select is(pg_temp.outcome('waiting'), 'provider_unavailable 30',
  'a failure keeps the circuit open, even if a later probe was not sent');
set local test.now = '2030-01-01 12:03:00+00';
select is(pg_temp.outcome('sixth probe'), 'created', 'a request may probe again when the time of the circuit is over');
select pg_temp.tells('answered', 'sixth probe');
select is(pg_temp.outcome('waiting'), 'created', 'any answer to a probe closes the circuit');
select results_eq(
  $$ select usage.seconds, (select sum(private.seconds_of(settings))::integer from public.video_jobs where status <> 'failed')
    from private.monthly_usage as usage $$,
  $$ values (25, 25) $$, 'refused requests do not count towards the month');

set local test.now = '2030-01-01 12:08:01+00';
select isnt(public.health() -> 'overdue_jobs', '0', 'jobs that are due for more than a minute are overdue');
-- A provider that does other steps of the video.
create function pg_temp.sounding(p_name text, p_spare jsonb default '[]') returns text language sql as $$
  select concat_ws(' ', answer ->> 'outcome', answer ->> 'retry_after')
  from pg_temp.start(p_name, jsonb_build_object('settings', jsonb_build_object('enable_music', true, 'deliver_without', p_spare)))
    as answer
$$;
update public.pipeline_steps set provider = 'rendi' where name = 'mix';
select public.add_credits(pg_temp.a(), 100, 'purchase');
select public.record_provider_answer('rendi', 'account_refused', gen_random_uuid());
select is(pg_temp.sounding('with music'), 'provider_unavailable 30',
  'a video with music is refused while the circuit of its mix is open');
select is(pg_temp.sounding('spare', '["music"]'), 'created',
  'a video that may be delivered without its music is not refused for it');
select is(pg_temp.outcome('silent'), 'created', 'a video without music is not refused for it');
set local test.now = '2030-01-01 12:08:31+00';
select is(pg_temp.sounding('tool probe'), 'created', 'one video with music may try after the time of the circuit');
select is(pg_temp.sounding('with music'), 'provider_unavailable 30', 'only one at a time');
select public.fail_job(pg_temp.job('tool probe'), 1, 'timeout', 'It took too long');
select is(pg_temp.sounding('next'), 'created', 'a job that fails before its mix gives the probe back');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
