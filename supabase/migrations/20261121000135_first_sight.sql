-- Users of other identity providers get their account at first sight: with their first request to a function, which has
-- verified their token.

-- Makes the user of an identity. The row in auth.users has no address, no password and no identity of Supabase Auth, so
-- that nobody can sign in as this user; the dashboard shows and deletes it as any other.
create function private.open_identity(
  p_issuer text,
  p_subject text
)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user_id uuid;
begin
  -- Of several first requests at once one makes the user, and the others find it. The seed keeps these locks apart from
  -- those of users.
  perform pg_advisory_xact_lock(hashtextextended(p_issuer || ' ' || p_subject, 1));
  select user_id into v_user_id from private.external_identities where issuer = p_issuer and subject = p_subject;
  if found then
    return v_user_id;
  end if;
  v_user_id := gen_random_uuid();
  -- Supabase Auth finds only users of this instance, and cannot read a user whose tokens are null.
  insert into auth.users (
    instance_id, id, aud, role, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    confirmation_token, recovery_token, email_change_token_new, email_change)
  values (
    '00000000-0000-0000-0000-000000000000', v_user_id, 'authenticated', 'authenticated',
    jsonb_build_object('provider', p_issuer, 'providers', jsonb_build_array(p_issuer)), '{}', now(), now(),
    '', '', '', '');
  insert into private.external_identities (issuer, subject, user_id, created_at)
  values (p_issuer, p_subject, v_user_id, private.clock());
  -- As an address it keeps the usage of a user who leaves, and that the user was welcomed, for when the user comes back.
  perform private.record_address(v_user_id, p_issuer || ' ' || p_subject);
  return v_user_id;
end;
$$;

revoke execute on function private.open_identity(text, text) from public, anon, authenticated;

-- Returns the user of another provider's verified token. p_email is an address that the token proves: it is welcomed as
-- a confirmed address of Supabase Auth is, once.
create function public.identify_user(
  p_issuer text,
  p_subject text,
  p_email text default null
)
returns uuid
language plpgsql
volatile
-- Runs as the owner: the service role cannot write to auth.users.
security definer
set search_path = ''
as $$
declare
  v_user_id uuid;
  v_address text := private.mailbox(p_email);
begin
  select user_id into v_user_id from private.external_identities where issuer = p_issuer and subject = p_subject;
  if not found then
    v_user_id := private.open_identity(p_issuer, p_subject);
  end if;
  if v_address is not null and not exists (
    select from private.user_addresses
    where user_id = v_user_id and address_hmac = private.address_hmac(v_address))
  then
    perform private.give_welcome_credits(v_user_id, v_address);
  end if;
  return v_user_id;
end;
$$;

revoke execute on function public.identify_user(text, text, text) from public, anon, authenticated;
grant execute on function public.identify_user(text, text, text) to service_role;
