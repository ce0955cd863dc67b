-- A bill for the operator: jobs that fail for what they were given when dear parts of them are made already.
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
  'a last image that is refused when a part is made is refunded in full, and counted');
select pg_temp.start_long('whole');
select is(pg_temp.refunds_of_failed('whole', 'image_rejected'), '16 generation_failed_refund',
  'one that is refused at once has cost nobody anything');
select pg_temp.start_long('outage'), pg_temp.make('outage');
select is(pg_temp.refunds_of_failed('outage', 'provider_error'), '16 generation_failed_refund', 'nor is the provider''s trouble the user''s');
select is(pg_temp.start_long('second'), 'created', 'below the limit the next is taken');
select pg_temp.make('second');
select is(pg_temp.refunds_of_failed('second', 'content_policy'), '16 refused_after_start_refund', 'whatever it is that was refused');

set local test.now = '2030-01-01 18:00:00+00';
create temp table before as select private.seconds_in_month(pg_temp.a(), '2030-01-01') as used;
select is(
  pg_temp.start('beyond'),
  '{"outcome": "refusal_limit_reached", "limit": 2, "retry_after": 64800}', 'the next waits until the first is a day old');
select is(private.seconds_in_month(pg_temp.a(), '2030-01-01'), used, 'it counts for nothing')
from before;
select is(pg_temp.start_long('other', pg_temp.b()), 'created', 'nobody else waits');
delete from public.video_jobs where node_id in ('first', 'second');
select is(pg_temp.start_long('deleted'), 'refusal_limit_reached', 'what was deleted still counts');

delete from auth.users where id = pg_temp.a();
insert into auth.users (id, email, email_confirmed_at)
values ('00000000-0000-4000-8000-00000000000a', 'a+back@example.com', now());
select public.add_credits(pg_temp.a(), 100, 'purchase');
select is(pg_temp.start_long('back'), 'refusal_limit_reached', 'who leaves and comes back finds the limit again');
set local test.now = '2030-01-02 18:00:01+00';
select is(pg_temp.start_long('day'), 'created', 'a day later they are served again');
select is_empty('select * from public.audit_credits()', 'the books balance');

select * from finish();
rollback;
