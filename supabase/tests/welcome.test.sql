begin;
select plan(33);

create function private.test_clock() returns timestamptz language sql as
  $$ select coalesce(nullif(current_setting('test.now', true), '')::timestamptz, clock_timestamp()) $$;
create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as
  $$ select private.test_clock() $$;
set local test.now = '2030-01-31 12:00:00+00';

create function pg_temp.id(p_name text) returns uuid language sql immutable as
  $$ select md5(p_name)::uuid $$;
create function pg_temp.balance(p_name text) returns integer language sql as
  $$ select credits_remaining::integer from public.credit_balances where user_id = pg_temp.id(p_name) $$;
-- Signs a user up as Supabase Auth does, confirmed or not, and returns their credits.
create function pg_temp.sign_up(p_name text, p_email text, p_confirmed boolean default true) returns integer
language sql as $$
  insert into auth.users (id, email, email_confirmed_at)
  values (pg_temp.id(p_name), p_email, case when p_confirmed then private.test_clock() end);
  select pg_temp.balance(p_name);
$$;
create function pg_temp.leave(p_name text) returns void language sql as
  $$ delete from auth.users where id = pg_temp.id(p_name) $$;

-- Who is welcomed, and when.
select is(pg_temp.sign_up('ann', 'ann@example.com'), 20, 'a user who signs up confirmed is welcomed at once');
select is(pg_temp.sign_up('bob', 'bob@example.com', false), 0, 'an unconfirmed user has an empty account');
update auth.users set email_confirmed_at = now() where id = pg_temp.id('bob');
select is(pg_temp.balance('bob'), 20, 'a user who confirms their address is welcomed then');
update auth.users set email_confirmed_at = null where id = pg_temp.id('bob');
update auth.users set email_confirmed_at = now() where id = pg_temp.id('bob');
select is(pg_temp.balance('bob'), 20, 'a user who confirms again is not welcomed again');

insert into auth.users (id, is_anonymous) values (pg_temp.id('guest'), true);
select is(pg_temp.balance('guest'), 0, 'an anonymous user is not welcomed');
update auth.users set email = 'guest@example.com', email_confirmed_at = now() where id = pg_temp.id('guest');
select is(pg_temp.balance('guest'), 0, 'an anonymous user with a confirmed address is not welcomed');
update auth.users set is_anonymous = false where id = pg_temp.id('guest');
select is(pg_temp.balance('guest'), 20, 'an anonymous user who becomes a confirmed one is welcomed');

insert into auth.users (id, phone) values (pg_temp.id('caller'), '905551112233');
select is(pg_temp.balance('caller'), 0, 'an unconfirmed phone number is not welcomed');
update auth.users set phone_confirmed_at = now() where id = pg_temp.id('caller');
select is(pg_temp.balance('caller'), 20, 'a confirmed phone number is welcomed');
update auth.users set email = 'caller@example.com', email_confirmed_at = now() where id = pg_temp.id('caller');
select is(pg_temp.balance('caller'), 20, 'a user who confirms an email address as well is not welcomed twice');
select pg_temp.leave('caller');
insert into auth.users (id, phone, phone_confirmed_at) values (pg_temp.id('caller again'), '+90 555 111 22 33', now());
select is(pg_temp.balance('caller again'), 0, 'a phone number is welcomed once, in any spelling');

update auth.users set email = 'ann@example.org' where id = pg_temp.id('ann');
select is(pg_temp.balance('ann'), 20, 'another address of the same user is not welcomed');
select is(pg_temp.sign_up('sneak',
  'ann@example.com'), 0, 'another user with the former address of a user is not welcomed');

-- One address in many spellings.
select pg_temp.sign_up('first', 'first.name@gmail.com');
select is(pg_temp.sign_up(spelling, spelling), 0, spelling || ' is the address of a user who was welcomed')
from unnest(array['firstname@gmail.com', 'FIRST.NAME@GMAIL.com', 'first.name+2@gmail.com', 'f.i.r.s.t.name+a+b@googlemail.com',
  'bob+1@example.com', 'Bob@Example.com']) as spelling;
select is(pg_temp.sign_up(spelling, spelling), 20, spelling || ' is an address of its own')
from unnest(array['b.ob@example.com', 'bob@example.org', '+bob@example.com']) as spelling;

-- Users who leave and come back.
select public.deduct_credits(pg_temp.id('ann'), 20);
select pg_temp.leave('ann');
select is(pg_temp.sign_up('ann again',
  'ann+back@example.org'), 20, 'an address that a user only changed to is welcomed');
select pg_temp.leave('bob');
select is(pg_temp.sign_up('bob again', 'bob@example.com'), 0, 'a user who leaves and comes back is not welcomed again');
select pg_temp.leave('bob again');
select is(pg_temp.sign_up('bob once more', 'bob@example.com'), 0, 'a user who comes back twice is not welcomed again');
select is(
  (select count(*) from public.quota_log where transaction_id like 'welcome:%'
    and right(transaction_id, 36) <> user_id::text), 0::bigint,
  'no entry of the ledger names a user who has left');
select is_empty(
  $$ select from private.addresses where encode(address_hmac, 'escape') like '%bob%' $$,
  'no address can be read from what is kept');

-- Users from before, whom the operator welcomes.
alter table auth.users disable trigger reelmint_opens_an_account;
insert into auth.users (id, email, email_confirmed_at, created_at)
select pg_temp.id(name), email, confirmed_at, '2020-01-01'
from (values ('old', 'old@example.com', now()), ('old too', 'old+2@example.com', now()), ('unsure', 'unsure@example.com', null))
  as users (name, email, confirmed_at);
insert into public.credit_balances (user_id, credits_remaining)
select pg_temp.id(name), 0 from unnest(array['old', 'old too', 'unsure']) as name;
alter table auth.users enable trigger reelmint_opens_an_account;
update auth.users set email = 'older@example.com' where id = pg_temp.id('old too');
select is(pg_temp.balance('old too'), 0, 'a user from before gets nothing by changing their address');
update auth.users set email = 'old+2@example.com' where id = pg_temp.id('old too');
select is(public.grant_welcome_credits(), 1, 'the operator welcomes users from before, each address once');
select is(pg_temp.balance('old') + pg_temp.balance('old too'), 20, 'the users from before have their welcome credits');
select is(pg_temp.balance('unsure'), 0, 'an unconfirmed user from before is not welcomed');
select is(public.grant_welcome_credits(), 0, 'a second welcome by the operator gives nothing');

-- Without welcome credits.
update public.app_settings set welcome_credits = 0;
select is(pg_temp.sign_up('late', 'late@example.com'), 0, 'with welcome credits of zero no user gets any');

select * from finish();
rollback;
