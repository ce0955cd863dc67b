-- Jobs that fail for their input after a part was made: the operator pays for that part, so their number is limited.
begin;
select plan(12);
\ir support/jobs.psql
update public.app_settings set refusals_after_start_per_day = 2;

-- A video of two runs.
create function pg_temp.start_long(p_name text, p_user uuid default pg_temp.a()) returns text language sql as
  $$ select pg_temp.start_transition(p_name, '{"duration": 16}', p_user) ->> 'outcome' $$;
create function pg_temp.refunds_of_failed(p_name text, p_code text) returns text language sql as
  $$ select pg_temp.fail(p_name, p_code); select pg_temp.refunds(p_name) $$;

select pg_temp.start_long('first'), pg_temp.make('first');
select is(pg_temp.refunds_of_failed('first', 'image_rejected'), '16 refused_after_start_refund',
  'a job that is refused for an image after a part was made is refunded in full, and counts');
select pg_temp.start_long('whole');
select is(pg_temp.refunds_of_failed('whole', 'image_rejected'), '16 generation_failed_refund',
  'a job that is refused before any part was made does not count');
select pg_temp.start_long('outage'), pg_temp.make('outage');
select is(pg_temp.refunds_of_failed('outage',
  'provider_error'), '16 generation_failed_refund', 'a job that fails for the provider does not count');
select is(pg_temp.start_long('second'), 'created', 'a request below the limit is accepted');
select pg_temp.make('second');
select is(pg_temp.refunds_of_failed('second',
  'content_policy'), '16 refused_after_start_refund', 'a job that is refused for its content counts too');

set local test.now = '2030-01-01 18:00:00+00';
create temp table before as select private.seconds_in_month(pg_temp.a(), '2030-01-01') as used;
select is(
  pg_temp.start('beyond'),
  '{"outcome": "refusal_limit_reached", "limit": 2, "retry_after": 64800}',
  'a request above the limit waits until the first refusal is a day old');
select is(private.seconds_in_month(pg_temp.a(),
  '2030-01-01'), used, 'a refused request does not count towards the month')
from before;
select is(pg_temp.start_long('other', pg_temp.b()), 'created', 'other users are not refused');
delete from public.video_jobs where node_id in ('first', 'second');
select is(pg_temp.start_long('deleted'), 'refusal_limit_reached', 'refusals of deleted jobs still count');

delete from auth.users where id = pg_temp.a();
insert into auth.users (id, email, email_confirmed_at)
values ('00000000-0000-4000-8000-00000000000a', 'a+back@example.com', now());
select public.add_credits(pg_temp.a(), 100, 'purchase');
select is(pg_temp.start_long('back'), 'refusal_limit_reached',
  'a user who leaves and comes back finds the limit again');
set local test.now = '2030-01-02 18:00:01+00';
select is(pg_temp.start_long('day'), 'created', 'requests are accepted again after a day');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
