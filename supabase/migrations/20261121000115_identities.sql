-- Who is calling: a user of Supabase Auth, or a user of another identity provider, whose subject is no UUID.

-- The users of other identity providers. A token's issuer and subject are the same user of ours for ever.
create table private.external_identities (
  issuer text not null,
  subject text not null,
  user_id uuid not null references auth.users (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (issuer, subject),
  constraint a_user_has_one_identity unique (user_id),
  constraint identity_is_short_text check (
    char_length(issuer) between 1 and 255 and char_length(subject) between 1 and 255),
  -- These are tokens of Supabase Auth, whose subject is the user's id itself.
  constraint supabase_auth_is_no_other_issuer check (issuer not like '%/auth/v1')
);

alter table private.external_identities enable row level security;
create policy "Only the service role reads identities" on private.external_identities
  for select to service_role using (true);
grant select on private.external_identities to service_role;

-- The user of the request's token; null for a visitor, and for an identity that no function has seen. Policies call it
-- as (select private.current_user_id()): once a query, and not once a row.
create function private.current_user_id()
returns uuid
language plpgsql
stable
-- Runs as the owner: clients may not read who has which identity.
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
begin
  -- The issuer decides: the subject of another issuer's token may be the UUID of one of our users.
  if coalesce(v_claims ->> 'iss' like '%/auth/v1', true) then
    return auth.uid();
  end if;
  return (
    select user_id from private.external_identities
    where issuer = v_claims ->> 'iss' and subject = v_claims ->> 'sub');
end;
$$;

revoke execute on function private.current_user_id() from public, anon, authenticated;
grant execute on function private.current_user_id() to authenticated, service_role;
