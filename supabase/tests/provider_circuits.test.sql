begin;
select plan(43);
\ir support/jobs.psql

create function pg_temp.outcome(p_name text) returns text language sql as
  $$ select concat_ws(' ', answer ->> 'outcome', answer ->> 'retry_after') from pg_temp.start(p_name) as answer $$;
update public.app_settings set circuit_failures = 3, circuit_open_seconds = 30;

-- What a submission told, by the job of that name, or by one that has nothing to do with the circuit.
create function pg_temp.tells(p_answer text, p_name text default null) returns boolean language sql as
  $$ select public.record_provider_answer('fal', p_answer, coalesce(pg_temp.job(p_name), gen_random_uuid())) $$;

select is(pg_temp.tells('failed'), false, 'one failure is bad luck');
select is(pg_temp.tells('failed'), false, 'so are two');
select is(pg_temp.outcome('still'), 'created', 'requests are taken');
select is(pg_temp.tells('not_sent'), false, 'a request that was not sent tells nothing');
select results_eq('select failures from private.provider_circuits', array[2], 'and nothing is forgotten for it');
select public.record_submission(pg_temp.job('still'), 1, 'run');
select is_empty('select from private.provider_circuits', 'a submission that is taken forgets them');
select pg_temp.tells('failed'), pg_temp.tells('failed'), pg_temp.tells('answered');
select is_empty('select from private.provider_circuits', 'so does one that is answered, whatever the answer');
select pg_temp.tells('failed'), pg_temp.tells('failed');
select is(pg_temp.tells('failed'), true, 'three in a row open the circuit, which is told once');
select is(pg_temp.tells('failed'), false, 'and not again by those that were under way');
select is(public.health() -> 'open_circuits', '["fal"]', 'the health of the system shows it');
select throws_ok($$ select pg_temp.tells('perhaps') $$, '20000', null, 'there is no other answer');

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
select is(pg_temp.tells('failed', 'probe'), false, 'if it fails as well the circuit stays open');
set local test.now = '2030-01-01 12:00:59+00';
select is(pg_temp.outcome('refused'), 'provider_unavailable 1', 'for as long again');
set local test.now = '2030-01-01 12:01:00+00';
select is(pg_temp.outcome('second probe'), 'created', 'then one may try again');
select public.record_submission(pg_temp.job('second probe'), 1, 'run');
select is(pg_temp.outcome('refused'), 'created', 'a submission that is taken closes the circuit');
select is(public.health() -> 'open_circuits', '[]', 'and all is well');

-- One user must not keep a circuit open for all: a probe belongs to a request that reaches the provider.
select is(pg_temp.tells('account_refused'), true, 'an account that is refused opens the circuit at once');
select is(pg_temp.outcome('locked'), 'provider_unavailable 30', 'and requests are refused');
select is(public.health() -> 'overdue_jobs', '0', 'no job is overdue');

set local test.now = '2030-01-01 12:02:00+00';
update public.app_settings set seconds_per_month = 1;
update public.models set settings_schema = '{"settings": {"duration": {"values": [5], "default": 5}}}' where name = 'Test';
select matches(pg_temp.outcome('too much'), '^monthly_quota_reached', 'a request beyond the quota is told so');
update public.app_settings set seconds_per_month = null, generations_per_hour = 1;
select matches(pg_temp.outcome('too many'), '^rate_limited', 'and one beyond the hour''s limit');
update public.app_settings set generations_per_hour = 200;
select is(pg_temp.outcome('not sent'), 'created', 'and neither took the probe');
select is(pg_temp.outcome('waiting'), 'provider_unavailable 30', 'which the next one has');
select is(pg_temp.tells('not_sent', 'probe'), false, 'another job cannot give it back');
select is(pg_temp.outcome('waiting'), 'provider_unavailable 30', 'so the others go on waiting');
select is(pg_temp.tells('not_sent', 'not sent'), false, 'the one that has it can, when nothing was sent');
select is(pg_temp.outcome('third probe'), 'created', 'and the next request may try at once');
select public.fail_job(pg_temp.job('third probe'), 1, 'timeout', 'It took too long');
select is(pg_temp.outcome('fourth probe'), 'created', 'a probe that ends without an answer is given back too');
set local test.now = '2030-01-01 12:02:29+00';
select is(pg_temp.outcome('waiting'), 'provider_unavailable 1', 'one that nothing is heard of has its time');
set local test.now = '2030-01-01 12:02:30+00';
select is(pg_temp.outcome('fifth probe'), 'created', 'and no more');
select pg_temp.tells('failed', 'fourth probe'), pg_temp.tells('not_sent', 'fifth probe');
select is(pg_temp.outcome('waiting'), 'provider_unavailable 30', 'a failure keeps the circuit open, whatever a probe says after it');
set local test.now = '2030-01-01 12:03:00+00';
select is(pg_temp.outcome('sixth probe'), 'created', 'until its time is over');
select pg_temp.tells('answered', 'sixth probe');
select is(pg_temp.outcome('waiting'), 'created', 'a probe that is answered closes the circuit, whatever the answer');
select results_eq(
  $$ select usage.seconds, (select sum(private.seconds_of(settings))::integer from public.video_jobs where status <> 'failed')
    from private.monthly_usage as usage $$,
  $$ values (25, 25) $$, 'what was refused was not counted towards the month');

set local test.now = '2030-01-01 12:08:01+00';
select isnt(public.health() -> 'overdue_jobs', '0', 'jobs that nobody looks at for a minute past their time are');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
