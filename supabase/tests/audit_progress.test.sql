-- How the audits proceed: new entries until they are an hour old, and all users in rounds.
begin;
select plan(19);
\ir support/clock.psql

create function pg_temp.at(p_time text) returns void language sql as
  $$ select set_config('test.now', '2030-01-0' || p_time || '+00', true) $$;
select pg_temp.at('1 12:00');

insert into auth.users (id, email, email_confirmed_at)
select ('00000000-0000-4000-8000-00000000000' || number)::uuid, number || '@example.com', now()
from generate_series(1, 5) as number;
create function pg_temp.user(p_number integer default 1) returns uuid language sql as
  $$ select ('00000000-0000-4000-8000-00000000000' || p_number)::uuid $$;
-- An entry of a slow transaction: it is committed long after it got its id.
create function pg_temp.commit_late(p_id bigint) returns void language sql as $$
  insert into public.quota_log (id, user_id, change, reason, balance_after, created_at)
  overriding system value values (p_id, pg_temp.user(), 1, 'late', 1000, private.clock())
$$;
create function pg_temp.problems_of(p_answer jsonb) returns text[] language sql as
  $$ select array_agg(distinct problem ->> 'problem') from jsonb_array_elements(p_answer -> 'problems') as problem $$;
create temp table ids as select
  nextval('public.quota_log_id_seq') as late, nextval('public.quota_log_id_seq') as later;
select public.add_credits(pg_temp.user(), 1, 'test');

select is(public.audit_recent() -> 'problems', '[]', 'books in order have no problem');
select pg_temp.at('1 12:59');
select is(public.audit_recent() -> 'next', 'null', 'one call audits all that is new');
savepoint settled;
select pg_temp.commit_late(late) from ids;
select is(pg_temp.problems_of(public.audit_recent()), array['ledger_entry_does_not_follow'],
  'an entry that is committed behind others is audited, as long as they are younger than an hour');
rollback to settled;
select pg_temp.at('1 13:01');
select public.audit_recent();
savepoint done_with;
select pg_temp.commit_late(later) from ids;
select is(pg_temp.problems_of(public.audit_recent()), null,
  'what was audited an hour after it came is not audited again');
select is(pg_temp.problems_of(public.audit_next_users()), array['balance_differs_from_ledger', 'ledger_entry_does_not_follow'],
  'the round through all users audits it');
rollback to done_with;

-- Jobs whose entries were audited long ago.
update public.pipeline_steps set is_available = false where name = 'thumbnail';
create function pg_temp.start(p_key text) returns uuid language sql as $$
  select (public.start_generation(pg_temp.user(), p_key, 'hash',
    jsonb_build_object('model_id', id, 'prompt', 'a cat')) #>> '{response,job_id}')::uuid
  from public.models where is_featured and category = 'text-to-video'
$$;
create temp table jobs as select pg_temp.start('running') as running, pg_temp.start('delivered') as delivered;
select public.record_submission(delivered, 1, 'run') from jobs;
select public.advance_step(delivered, 1, '{"video_url": "https://provider.test/v.mp4"}') from jobs;
select public.complete_job(delivered, 1, 'delivered.mp4') from jobs;
select pg_temp.at('1 15:00');
select public.audit_recent();
savepoint long_ago;
update private.job_queue set next_check_at = null where job_id = (select running from jobs);
select is(pg_temp.problems_of(public.audit_recent()), array['unfinished_job_is_never_checked'],
  'a job that is never due is found, however long ago it was charged');
rollback to long_ago;
select public.add_credits(pg_temp.user(), 1, 'x', delivered) from jobs;
select is(pg_temp.problems_of(public.audit_recent()), array['job_refunded_without_failing'],
  'a refund is audited with its job, however long ago that was delivered');
rollback to done_with;

-- In parts.
alter table public.quota_log disable trigger user;
select public.add_credits(pg_temp.user(), 1, 'test');
create temp table drawn as select nextval('public.quota_log_id_seq') as id;
select public.add_credits(pg_temp.user(number), 1, 'test') from generate_series(2, 5) as number;
create temp table parts as select public.audit_recent(null, 2) as part;
update parts set part = public.audit_recent((part ->> 'next')::bigint, 2);
select isnt(part -> 'next', 'null', 'a part says where the next one begins') from parts;
update public.credit_balances set credits_remaining = 0 where user_id = pg_temp.user(5);
select is(pg_temp.problems_of(public.audit_recent((part ->> 'next')::bigint, 2)), array['balance_differs_from_ledger'],
  'the last part goes to the end') from parts;
update public.credit_balances set credits_remaining = 21 where user_id = pg_temp.user(5);
select pg_temp.commit_late(id) from drawn;
select is(pg_temp.problems_of(public.audit_recent()) @> array['ledger_entry_does_not_follow'], true,
  'a part is audited again until all parts before it are done');
delete from public.quota_log where reason = 'late';

-- The round.
update public.credit_balances set credits_remaining = credits_remaining + 1 where user_id = pg_temp.user(3);
select is(public.audit_next_users(2), '{"problems": [], "more": true}', 'a round begins with the first users');
select is(pg_temp.problems_of(public.audit_next_users(2)), array['balance_differs_from_ledger'],
  'a round continues with the next users');
select is(public.audit_next_users(2), '{"problems": [], "more": false}', 'a round ends with the last users');
select is(public.audit_next_users(2), '{"problems": [], "more": false}', 'the next round waits a day');
select pg_temp.at('2 13:02');
select is(public.audit_next_users(2) -> 'more', 'true', 'the next round begins after a day');
-- The third user has more entries than that: the call reads the entries of no other user.
create temp table busy as select public.audit_next_users(100, 1) as part;
select is(
  array[part ->> 'more', (select after_user_id::text from private.audit_state)], array['true', pg_temp.user(3)::text],
  'the number of ledger entries limits the users of one call') from busy;
select is(public.audit_next_users(100, 1) -> 'more', 'true', 'the next call continues after the last audited user');
select is(public.audit_next_users(100) -> 'more', 'false', 'a round with a limit of entries reaches the end');
select isnt_empty('select * from public.audit_credits()', 'the audit of all users at once finds the same');

select * from finish();
rollback;
