-- Users of other identity providers: their account, what they may read, and whom they may not become.
begin;
select plan(45);
\ir support/jobs.psql
set local test.now = '2030-01-31 12:00:00+00';

create function pg_temp.user_of(p_subject text, p_email text default null, p_issuer text default 'https://id.example')
returns uuid language sql as $$ select public.identify_user(p_issuer, p_subject, p_email) $$;
create function pg_temp.credits_of(p_subject text) returns bigint language sql as $$
  select credits_remaining from public.credit_balances where user_id = (
    select user_id from private.external_identities where issuer = 'https://id.example' and subject = p_subject) $$;
-- Sets the claims of a token that PostgREST has verified.
create function pg_temp.token(p_claims jsonb) returns void language sql as
  $$ select set_config('request.jwt.claims', (p_claims || '{"role": "authenticated"}')::text, true) $$;
create function pg_temp.current_with(p_claims jsonb) returns uuid language sql as
  $$ select pg_temp.token(p_claims); select private.current_user_id() $$;

-- At first sight, and ever after.
select isnt(pg_temp.user_of('user_ann'), null, 'an identity has a user at first sight');
select is(pg_temp.user_of('user_ann'), pg_temp.user_of('user_ann'), 'an identity has the same user for ever');
select isnt(pg_temp.user_of('user_ann'), pg_temp.user_of('User_Ann'), 'capitals make another subject');
select isnt(pg_temp.user_of('user_ann'), pg_temp.user_of('user_ann', null, 'https://id.example.org'),
  'the same subject of another issuer is another user');
select isnt(pg_temp.user_of('00000000-0000-4000-8000-00000000000a'), pg_temp.a(),
  'a subject that is the UUID of a user is another user');
select is(pg_temp.credits_of('user_ann'), 0::bigint, 'an identity without an address is not welcomed');
select results_eq(
  $$ select email, phone, encrypted_password, aud, role from auth.users where id = pg_temp.user_of('user_ann') $$,
  $$ values (null::varchar, null::text, null::varchar, 'authenticated'::varchar, 'authenticated'::varchar) $$,
  'Supabase Auth has nothing by which such a user could sign in');
select throws_ok($$ select pg_temp.user_of('somebody', null, 'https://ref.supabase.co/auth/v1') $$, '23514', null,
  'Supabase Auth is not another issuer');
select throws_ok($$ select pg_temp.user_of('') $$, '23514', null, 'an empty subject is no identity');
select throws_ok($$ select pg_temp.user_of(repeat('x', 256)) $$, '23514', null, 'an endless subject is no identity');
select is_empty($$ select from private.external_identities where subject = '' $$, 'and has made no user');

-- Who the caller is.
select is(pg_temp.current_with('{"sub": "00000000-0000-4000-8000-00000000000a"}'), pg_temp.a(),
  'the user of a token without issuer is its subject');
select is(pg_temp.current_with(
  '{"iss": "https://ref.supabase.co/auth/v1", "sub": "00000000-0000-4000-8000-00000000000a"}'), pg_temp.a(),
  'the user of a token of Supabase Auth is its subject');
select is(pg_temp.current_with('{"iss": "https://else.example", "sub": "User_Ann"}'), null,
  'a known subject of another issuer is nobody');
select is(pg_temp.current_with('{"iss": "https://id.example", "sub": "user_ann"}'), pg_temp.user_of('user_ann'),
  'the user of another provider''s token is that of its identity');
select is(pg_temp.current_with('{"iss": "https://id.example", "sub": "user_new"}'), null,
  'an identity that no function has seen is nobody');
select is(pg_temp.current_with('{"iss": "https://else.example", "sub": "00000000-0000-4000-8000-00000000000b"}'), null,
  'a subject of another issuer that is the UUID of a user is not that user');
select is(pg_temp.current_with(jsonb_build_object('iss', iss, 'sub', '00000000-0000-4000-8000-00000000000b')), null,
  format('"%s" is not Supabase Auth', iss))
from unnest(array['', 'https://id.example', 'https://evil.example/auth/v1/x', 'https://evil.example/auth/v1?']) as iss;
select is(pg_temp.current_with('{"iss": {"a": "/auth/v1"}, "sub": "00000000-0000-4000-8000-00000000000b"}'), null,
  'an issuer that is no text is not Supabase Auth');
select is(pg_temp.current_with('{}'), null, 'a token without subject is nobody''s');

-- Row level security.
select public.add_credits(pg_temp.user_of('user_ann'), 30, 'purchase'), public.add_credits(pg_temp.user_of('user_bob'), 40, 'purchase');
select pg_temp.start('cat', '{"prompt": "ann''s"}', pg_temp.user_of('user_ann'));
select pg_temp.start('dog', '{"prompt": "bob''s"}', pg_temp.user_of('user_bob'));
select pg_temp.start('cow', '{"prompt": "a''s"}', pg_temp.a());
select pg_temp.token('{"iss": "https://id.example", "sub": "user_ann"}');
set local role authenticated;
select results_eq('select credits_remaining from public.credit_balances', array[28::bigint],
  'a user of another provider reads their own balance and no other');
select results_eq('select change from public.quota_log order by id', array[30, -2],
  'a user of another provider reads their own ledger and no other');
select results_eq('select prompt from public.video_jobs', array['ann''s'],
  'a user of another provider reads their own jobs and no others');
select is(public.my_limits() -> 'active_jobs' -> 'used', '1'::jsonb, 'my_limits counts the jobs of another provider''s user');
select throws_ok('select from private.external_identities', '42501', null, 'a user may not read who has which identity');
select throws_ok($$ select public.identify_user('https://id.example', 'user_bob') $$, '42501', null,
  'a user may not ask for the user of an identity');
set local request.jwt.claims = '{"iss": "https://id.example", "sub": "00000000-0000-4000-8000-00000000000a", "role": "authenticated"}';
select results_eq('select prompt from public.video_jobs', array[]::text[],
  'a subject that is the UUID of a user reads nothing of that user');
set local request.jwt.claims = '{"iss": "https://id.example", "sub": "user_new", "role": "authenticated"}';
select is_empty('select from public.credit_balances', 'an identity that no function has seen reads nothing');
reset role;

-- Welcome credits.
select pg_temp.user_of('user_carl', 'carl@example.com');
select is(pg_temp.credits_of('user_carl'), 20::bigint, 'an identity whose token proves an address is welcomed');
select pg_temp.user_of('user_carl', email) from unnest(array['Carl+x@example.com', 'carl@example.org']) as email;
select is(pg_temp.credits_of('user_carl'), 20::bigint, 'and not again, whatever its address is later');
select pg_temp.user_of('user_ann', 'ann@example.com');
select is(pg_temp.credits_of('user_ann'), 48::bigint, 'an identity that proves an address later is welcomed then');
select pg_temp.user_of('user_a', 'a@example.com');
select is(pg_temp.credits_of('user_a'), 0::bigint, 'an address of a user of Supabase Auth is not welcomed again');
insert into auth.users (id, email, email_confirmed_at) values (md5('carl')::uuid, 'carl@example.com', now());
select is((select credits_remaining from public.credit_balances where user_id = md5('carl')::uuid), 0::bigint,
  'and an address of an identity not in Supabase Auth');
select is(public.grant_welcome_credits(), 0, 'the operator''s grant welcomes no identity again');

-- Who leaves and comes back.
update public.app_settings set generations_per_hour = 1;
select pg_temp.user_of('user_ann') as id, pg_temp.user_of('user_carl') as carl into temp before;
select public.erase_account(id) from before;
select is_empty(
  $$ select from private.external_identities where user_id = (select id from before) $$, 'the identity of a deleted user is forgotten');
select isnt(pg_temp.user_of('user_ann', 'ann@example.com'), (select id from before), 'who comes back is a new user');
select is(pg_temp.credits_of('user_ann'), 0::bigint, 'who is not welcomed again');
select public.add_credits(pg_temp.user_of('user_ann'), 10, 'purchase');
select is(pg_temp.start('again', '{}', pg_temp.user_of('user_ann')) ->> 'outcome', 'rate_limited',
  'and whose limits count what was used before');
select public.erase_account(pg_temp.user_of('user_bob'));
select public.add_credits(pg_temp.user_of('user_bob'), 10, 'purchase');
select is(pg_temp.start('once more', '{}', pg_temp.user_of('user_bob')) ->> 'outcome', 'rate_limited',
  'also without an address');
select pg_temp.user_of('user_dora', 'dora@example.com');
select public.erase_account(pg_temp.user_of('user_dora'));
select pg_temp.user_of('user_dora', 'dora@example.org');
select is(pg_temp.credits_of('user_dora'), 0::bigint, 'who comes back with another address is not welcomed again');
update auth.users set deleted_at = now() where id = (select carl from before);
select is_empty($$ select from private.external_identities where subject = 'user_carl' $$,
  'a user whom the dashboard only marks as deleted loses the identity too');
select is_empty('select * from public.audit_credits()', 'the books balance');
select * from finish();
rollback;
