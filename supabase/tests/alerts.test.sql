begin;
select plan(8);
\ir support/clock.psql

select public.record_alerts('[
  {"event": "run_wasted", "fields": {"job_id": "a", "attempt": 1}},
  {"event": "run_wasted", "fields": {"job_id": "b", "attempt": 1}},
  {"event": "run_wasted", "fields": {"job_id": "a", "attempt": 2}},
  {"event": "circuit_opened", "fields": {"provider": "fal"}}]');
select results_eq('select event, subject, times from public.alerts order by event, subject',
  $$ values ('circuit_opened', 'fal', 1), ('run_wasted', 'a', 2), ('run_wasted', 'b', 1) $$,
  'the same event about the same job is one row, which counts');
select is((select fields ->> 'attempt' from public.alerts where subject = 'a'), '1',
  'a row has the fields of the first event');
set local test.now = '2030-01-01 12:59:00+00';
select public.record_alerts('[{"event": "circuit_opened", "fields": {"provider": "fal"}}]');
select results_eq($$ select times, last_at from public.alerts where event = 'circuit_opened' $$,
  $$ values (2, timestamptz '2030-01-01 12:59:00+00') $$, 'a row counts on within its hour');
set local test.now = '2030-01-01 13:00:00+00';
select public.record_alerts('[{"event": "circuit_opened", "fields": {"provider": "fal"}}]');
select is((select count(*) from public.alerts where event = 'circuit_opened'), 2::bigint,
  'the next hour gets another row');

select public.record_alerts(jsonb_build_array(jsonb_build_object(
  'event', 'large', 'fields', jsonb_build_object('error', repeat('x', 9000)))));
select is((select fields from public.alerts where event = 'large'), '{"dropped": "too large"}',
  'the size of a row is bounded');

select is(public.purge_alerts(10), 0, 'the purge keeps recent alerts');
set local test.now = '2030-04-01 13:00:00+00';
select is(public.purge_alerts(10), 3, 'the purge deletes alerts after ninety days');
select is((select count(*) from public.alerts), 2::bigint, 'the purge keeps the younger alerts');

select * from finish();
rollback;
