begin;
select plan(46);

insert into auth.users (id, email, email_confirmed_at) values
  ('00000000-0000-4000-8000-00000000000a', 'a@example.com', now()),
  ('00000000-0000-4000-8000-00000000000b', 'b@example.com', now());

create function pg_temp.a() returns uuid language sql immutable as
  $$ select '00000000-0000-4000-8000-00000000000a'::uuid $$;
create function pg_temp.balance() returns integer language sql as
  $$ select credits_remaining::integer from public.credit_balances where user_id = pg_temp.a() $$;
create function pg_temp.entries() returns bigint language sql as
  $$ select count(*) from public.quota_log where user_id = pg_temp.a() $$;

select is(pg_temp.balance(), 20, 'a new user gets the welcome credits');
select results_eq(
  'select change, reason, balance_after from public.quota_log where user_id = pg_temp.a()',
  $$ values (20, 'welcome_credits', 20::bigint) $$, 'the welcome credits are in the ledger, once');
update public.app_settings set welcome_credits = 0;
insert into auth.users (id, email, email_confirmed_at)
values ('00000000-0000-4000-8000-00000000000c', 'c@example.com', now());
select results_eq(
  $$ select credits_remaining from public.credit_balances where user_id = '00000000-0000-4000-8000-00000000000c' $$,
  array[0::bigint], 'without welcome credits a new user has an empty account');
select is_empty(
  $$ select from public.quota_log where user_id = '00000000-0000-4000-8000-00000000000c' $$,
  'welcome credits of zero are not in the ledger');

select is(
  public.deduct_credits(pg_temp.a(), 8), '{"success": true, "credits_remaining": 12}',
  'a deduction returns the new balance');
select results_eq(
  $$ select change, reason, job_id, balance_after from public.quota_log where user_id = pg_temp.a()
    order by id desc limit 1 $$,
  $$ values (-8, 'video_generation', null::uuid, 12::bigint) $$, 'a deduction is in the ledger with its reason');
select is(
  public.deduct_credits(pg_temp.a(), 13),
  '{"success": false, "error": "Insufficient credits", "current_credits": 12, "required_credits": 13}',
  'more than the balance is not deducted');
select is(
  public.deduct_credits(pg_temp.a(), 2147483647) ->> 'error', 'Insufficient credits',
  'the largest integer is not deducted');
select is(
  public.deduct_credits('00000000-0000-4000-8000-00000000000d', 1),
  '{"success": false, "error": "Insufficient credits", "current_credits": 0, "required_credits": 1}',
  'an unknown user has nothing to deduct');
select is(pg_temp.balance(), 12, 'a refused deduction leaves the balance');
select is(pg_temp.entries(), 2::bigint, 'a refused deduction leaves no entry');
select is(
  public.deduct_credits(pg_temp.a(), 12), '{"success": true, "credits_remaining": 0}',
  'the whole balance can be deducted');

select is(
  public.add_credits(pg_temp.a(), 5, 'purchase', null, 'receipt-1'),
  '{"success": true, "credits_added": 5, "credits_remaining": 5}', 'an addition returns the new balance');
select is(
  public.add_credits(pg_temp.a(), 5, 'purchase', null, 'receipt-1'),
  '{"success": false, "error": "Transaction already processed", "credits_remaining": 5}',
  'a transaction is processed once');
select is(
  public.add_credits(pg_temp.a(), 7, 'something else', null, 'receipt-1') ->> 'success', 'false',
  'a processed transaction is not processed for another amount');
select is(
  public.add_credits('00000000-0000-4000-8000-00000000000b', 5, 'purchase', null, 'receipt-1') ->> 'success', 'false',
  'a processed transaction is not processed for another user');
select is(
  (select credits_remaining::bigint from public.credit_balances where user_id = '00000000-0000-4000-8000-00000000000b'), 20::bigint,
  'the other user got nothing');
select is(
  public.add_credits(pg_temp.a(), 5, 'purchase') ->> 'credits_remaining', '10',
  'credits without a transaction id are added each time');
select is(
  public.add_credits(pg_temp.a(), 5, 'purchase') ->> 'credits_remaining', '15',
  'credits without a transaction id are added once more');

-- Each of these would mint credits or break the account.
select throws_ok(
  format('select public.%s', call), '22023', null, call || ' is refused')
from unnest(array[
  'deduct_credits(pg_temp.a(), -5)', 'deduct_credits(pg_temp.a(), 0)', 'deduct_credits(pg_temp.a(), null)',
  $$add_credits(pg_temp.a(), -5, 'x')$$, $$add_credits(pg_temp.a(), 0, 'x')$$, $$add_credits(pg_temp.a(), null, 'x')$$
]) as call;
select throws_ok(
  $$ select public.add_credits('00000000-0000-4000-8000-00000000000d', 5, 'purchase') $$, '23503', null,
  'credits for an unknown user are refused');
select throws_ok(
  $$ select public.deduct_credits(pg_temp.a(), 1, null) $$, '23502', null, 'a deduction without a reason is refused');
select is(pg_temp.balance(), 15, 'refused calls leave the balance');
select is(pg_temp.entries(), 6::bigint, 'refused calls leave no entry');

select lives_ok(
  $$ select public.deduct_credits(pg_temp.a(), 3, 'video_generation', '00000000-0000-4000-8000-0000000000f1') $$,
  'a job is charged');
select throws_ok(
  $$ select public.deduct_credits(pg_temp.a(), 3, 'video_generation', '00000000-0000-4000-8000-0000000000f1') $$,
  '23505', null, 'a job is not charged twice');
select is(
  public.add_credits(pg_temp.a(), 3, 'refund', '00000000-0000-4000-8000-0000000000f1') ->> 'success', 'true',
  'a job is refunded');
select is(
  public.add_credits(pg_temp.a(), 3, 'refund', '00000000-0000-4000-8000-0000000000f1', 'another id') ->> 'success',
  'false', 'a job is not refunded twice, whatever the transaction is called');
select is(pg_temp.balance(), 15, 'one charge and one refund are zero');

-- As much as an integer holds, bought while a job runs: its refund has to fit as well.
select public.deduct_credits(pg_temp.a(), 5, 'video_generation', '00000000-0000-4000-8000-0000000000f2');
select public.add_credits(pg_temp.a(), 2147483637, 'purchase');
select is(
  public.add_credits(pg_temp.a(), 5, 'refund', '00000000-0000-4000-8000-0000000000f2') ->> 'credits_remaining',
  '2147483652', 'a refund fits into every balance');
select is(
  (select balance_after::bigint from public.quota_log where user_id = pg_temp.a() order by id desc limit 1), 2147483652,
  'the entry of a refund fits every balance');
select public.deduct_credits(pg_temp.a(), 2147483637);

-- The tests run as the owner of the table, who is refused as well.
select throws_ok(statement, '23001', null, statement || ' is refused')
from unnest(array[
  'update public.quota_log set change = 1000', 'delete from public.quota_log', 'truncate public.quota_log'
]) as statement;
set local role service_role;
select throws_ok(statement, '42501', null, 'the service role has no right to ' || statement)
from unnest(array['update public.quota_log set change = 1000', 'delete from public.quota_log']) as statement;
reset role;

select is(
  pg_temp.balance()::bigint, (select sum(change) from public.quota_log where user_id = pg_temp.a()),
  'the balance is the sum of the ledger');
select is_empty(
  $$ select from (
    select balance_after, sum(change) over (partition by user_id order by id) as running from public.quota_log
  ) as entries where balance_after <> running $$,
  'every entry has the balance after it');
delete from auth.users where id = pg_temp.a();
select is(pg_temp.balance(), null, 'a deleted user has no account');
select is(pg_temp.entries(), 0::bigint, 'the ledger does not keep the name of the user');
update public.app_settings set welcome_credits = 20;
insert into auth.users (id, email, email_confirmed_at) values (pg_temp.a(), 'a@example.com', now());
select is(pg_temp.balance(), 0, 'a user who comes back under the same id gets no welcome credits again');

select * from finish();
rollback;
