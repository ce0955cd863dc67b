-- Welcome credits: once per address, also if it is spelled differently or its user leaves and comes back; only for
-- users who have confirmed the address and are not anonymous.

-- The keys of private.address_hmac: random. Only the functions of this file read them.
create table private.address_keys (
  only_row boolean primary key default true,
  inner_key bytea not null,
  outer_key bytea not null,
  constraint address_keys_have_one_row check (only_row)
);

insert into private.address_keys (inner_key, outer_key) values (
  sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
  sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

alter table private.address_keys enable row level security;
create policy "No role reads the keys of addresses" on private.address_keys for select to service_role using (false);

-- One row per confirmed address. It outlives its user; the address cannot be read from it.
create table private.addresses (
  address_hmac bytea primary key,
  welcomed_at timestamptz,
  -- What the users of this address had used when they left. It counts when they come back; the purge forgets it when it
  -- no longer counts.
  left_at timestamptz,
  seconds_of_month integer not null default 0,
  generations_of_hour integer not null default 0,
  cancels_of_day integer not null default 0,
  refusals_of_day integer not null default 0,
  constraint usage_is_kept_only_of_users_who_left check (
    left_at is not null or (seconds_of_month, generations_of_hour, cancels_of_day, refusals_of_day) = (0, 0, 0, 0)
  )
);

create index addresses_with_usage on private.addresses (left_at) where left_at is not null;
-- Those that the purge may forget: usually few.
create index addresses_without_memory on private.addresses (address_hmac) where welcomed_at is null and left_at is null;

alter table private.addresses enable row level security;
create policy "Only the service role reads addresses" on private.addresses for select to service_role using (true);
grant select on private.addresses to service_role;

-- The addresses that a user has had, kept as long as the user.
create table private.user_addresses (
  user_id uuid not null references public.credit_balances (user_id) on delete cascade,
  address_hmac bytea not null references private.addresses (address_hmac),
  primary key (user_id, address_hmac)
);

create index user_addresses_by_address on private.user_addresses (address_hmac);

alter table private.user_addresses enable row level security;
create policy "Only the service role reads addresses of users" on private.user_addresses
  for select to service_role using (true);
grant select on private.user_addresses to service_role;

-- The mailbox of an email address: without its tag, and for Gmail without dots and under one domain.
create function private.mailbox(
  p_email text
)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case when domain in ('gmail.com', 'googlemail.com')
    then replace(mailbox, '.', '') || '@gmail.com' else mailbox || '@' || domain end
  from (select regexp_replace(lower(p_email), '@[^@]*$', '') as name, substring(lower(p_email) from '@([^@]*)$') as domain)
    as parts,
    -- A name that begins with + is all tag: it is kept.
    lateral (select coalesce(nullif(split_part(name, '+', 1), ''), name) as mailbox) as untagged;
$$;

revoke execute on function private.mailbox(text) from public, anon, authenticated;

-- The address of a user in one spelling: the confirmed email address, or else the confirmed phone number; null for a
-- user who has confirmed none, is anonymous, or is deleted.
create function private.confirmed_address(
  p_user auth.users
)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_user.is_anonymous or p_user.deleted_at is not null then null
    when p_user.email <> '' and p_user.email_confirmed_at is not null then private.mailbox(p_user.email)
    when p_user.phone <> '' and p_user.phone_confirmed_at is not null
      then regexp_replace(p_user.phone, '\D', '', 'g') end;
$$;

revoke execute on function private.confirmed_address(auth.users) from public, anon, authenticated;

-- HMAC-SHA-256, but with two random keys instead of one key padded in two ways: pgcrypto is not available everywhere.
create function private.address_hmac(
  p_address text
)
returns bytea
language sql
stable
security invoker
set search_path = ''
as $$
  select sha256(outer_key || sha256(inner_key || convert_to(p_address, 'UTF8'))) from private.address_keys;
$$;

revoke execute on function private.address_hmac(text) from public, anon, authenticated;

-- Records that a user has an address, and keeps the row of the address locked; it is locked before any balance. Two
-- users with one address come one after the other.
create function private.record_address(
  p_user_id uuid,
  p_address text
)
returns private.addresses
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_address private.addresses;
begin
  insert into private.addresses as known (address_hmac) values (private.address_hmac(p_address))
  on conflict (address_hmac) do update set address_hmac = excluded.address_hmac
  returning * into v_address;
  insert into private.user_addresses (user_id, address_hmac) values (p_user_id, v_address.address_hmac)
  on conflict do nothing;
  return v_address;
end;
$$;

revoke execute on function private.record_address(uuid, text) from public, anon, authenticated;

-- Gives a user the welcome credits, unless the user or one of the user's addresses had them before. Returns whether
-- credits were given.
create function private.give_welcome_credits(
  p_user_id uuid,
  p_address text
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_welcome integer := (select welcome_credits from public.app_settings);
  v_was_welcomed boolean;
begin
  perform private.record_address(p_user_id, p_address);
  select count(known.welcomed_at) > 0 into v_was_welcomed
  from private.user_addresses join private.addresses as known using (address_hmac)
  where user_id = p_user_id;
  if v_was_welcomed or v_welcome = 0 then
    return false;
  end if;
  -- All of them: who leaves and comes back with another address is the same person.
  update private.addresses set welcomed_at = private.clock()
  where address_hmac in (select address_hmac from private.user_addresses where user_id = p_user_id);
  return (public.add_credits(p_user_id, v_welcome, 'welcome_credits', null, 'welcome:' || p_user_id)
    ->> 'success')::boolean;
end;
$$;

revoke execute on function private.give_welcome_credits(uuid, text) from public, anon, authenticated;

-- Opens the account of a new user, and gives welcome credits once the user has a confirmed address.
create function private.open_account()
returns trigger
language plpgsql
volatile
-- Runs as the owner: Supabase Auth's role, which writes the users, has no rights on our tables.
security definer
set search_path = ''
as $$
declare
  v_address text := private.confirmed_address(new);
  v_before text := case when tg_op = 'UPDATE' then private.confirmed_address(old) end;
begin
  if tg_op = 'INSERT' then
    insert into public.credit_balances (user_id, credits_remaining) values (new.id, 0);
  end if;
  if v_before is null and v_address is not null then
    perform private.give_welcome_credits(new.id, v_address);
  elsif v_address <> v_before then
    perform private.record_address(new.id, v_address);
  end if;
  return null;
end;
$$;

revoke execute on function private.open_account() from public, anon, authenticated;

create trigger reelmint_opens_an_account
  after insert or update of email, phone, email_confirmed_at, phone_confirmed_at, is_anonymous on auth.users
  for each row execute function private.open_account();

-- Users from before Reelmint get an empty account.
insert into public.credit_balances (user_id, credits_remaining) select id, 0 from auth.users;

-- For the operator: gives the welcome credits to all confirmed users who never had them, such as users from before
-- Reelmint. Of two users with one address the older one gets them. Returns how many users got them. Safe to repeat.
create function public.grant_welcome_credits()
returns integer
language plpgsql
volatile
-- Runs as the owner: the service role cannot read auth.users.
security definer
set search_path = ''
as $$
declare
  v_user record;
  v_granted integer := 0;
begin
  for v_user in
    select id, address from auth.users as users, lateral private.confirmed_address(users) as address
    where address is not null
      and not exists (select from public.quota_log where transaction_id = 'welcome:' || users.id)
    order by created_at, id
  loop
    v_granted := v_granted + private.give_welcome_credits(v_user.id, v_user.address)::integer;
  end loop;
  return v_granted;
end;
$$;

revoke execute on function public.grant_welcome_credits() from public, anon, authenticated;
grant execute on function public.grant_welcome_credits() to service_role;
