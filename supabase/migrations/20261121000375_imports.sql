-- Old data comes along: users, balances and finished videos of an earlier system, each under its id there, once. What
-- was paid there moved no credits here: an imported video has no entry in the ledger, and a balance comes as one.

-- The users of earlier systems, and who they are here.
create table private.imported_users (
  source text not null,
  source_id text not null,
  -- Null once the user has left. The row stays, so that a repeated import does not bring the user back.
  user_id uuid references public.credit_balances (user_id) on delete set null,
  -- Names the imported balance in the ledger, which outlives the user, without naming the user.
  import_id uuid not null default gen_random_uuid(),
  primary key (source, source_id),
  constraint import_source_is_a_name check (source ~ '^[a-z][a-z0-9_-]{0,39}$')
);

create index imported_users_by_user on private.imported_users (user_id);

alter table private.imported_users enable row level security;
create policy "Only the service role imports users" on private.imported_users for select to service_role using (true);
grant select on private.imported_users to service_role;

-- The videos of earlier systems. A row outlives its video, so that a repeated import does not bring back what its owner
-- deleted; it goes with its user.
create table private.imported_videos (
  source text not null,
  source_id text not null,
  user_id uuid not null references public.credit_balances (user_id) on delete cascade,
  job_id uuid not null,
  primary key (source, source_id),
  constraint job_is_imported_once unique (job_id)
);

create index imported_videos_by_user on private.imported_videos (user_id);

alter table private.imported_videos enable row level security;
create policy "Only the service role imports videos" on private.imported_videos
  for all to service_role using (true) with check (true);
grant select, insert on private.imported_videos to service_role;

-- Faults of lines that only the database knows, as [{ line, problem }]; changes nothing. `p_lines` has lines of users
-- and videos, each with its number as `line`.
create function public.import_problems(
  p_source text,
  p_lines jsonb
)
returns jsonb
language sql
stable
-- Runs as the owner: the service role cannot read auth.users.
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object('line', lines.line, 'problem', problem) order by lines.line), '[]')
  from jsonb_to_recordset(p_lines) as lines (
    line integer, type text, id text, "user" text, email text, user_id uuid, model_id uuid, job_id uuid),
  lateral (
    select 'user_id: there is no such user in Auth' as problem
    where type = 'user' and lines.user_id is not null
      and not exists (select from public.credit_balances as accounts where accounts.user_id = lines.user_id)
      and not exists (select from private.imported_users where source = p_source and source_id = lines.id)
    union all
    -- Whoever signed up with somebody else's address has not confirmed it, and must not get what is imported for it.
    select 'email: a user of Auth has this address and has not confirmed it'
    where type = 'user' and exists (
      select from auth.users where users.email = lower(lines.email) and email_confirmed_at is null and deleted_at is null)
    union all
    select 'model_id: there is no such model'
    where type = 'video' and lines.model_id is not null
      and not exists (select from public.models where models.id = lines.model_id)
    union all
    select 'job_id: another video has this id'
    where type = 'video' and lines.job_id is not null
      and not exists (select from private.imported_videos as known
        where known.source = p_source and known.source_id = lines.id and known.job_id = lines.job_id)
      and (exists (select from public.video_jobs as jobs where jobs.job_id = lines.job_id)
        or exists (select from public.deleted_videos as tombstones where tombstones.job_id = lines.job_id)
        or exists (select from private.imported_videos as known where known.job_id = lines.job_id))
    union all
    select 'id: this video was imported for another user'
    where type = 'video' and exists (
      select from private.imported_videos as known join private.imported_users as owners using (source)
      where known.source = p_source and known.source_id = lines.id and owners.source_id = lines.user
        and owners.user_id <> known.user_id)
  ) as faults;
$$;

revoke execute on function public.import_problems(text, jsonb) from public, anon, authenticated;
grant execute on function public.import_problems(text, jsonb) to service_role;

-- Records that an address was welcomed, whether it has a user yet or not: who is imported brings a balance.
create function private.forgo_welcome(
  p_address text
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into private.addresses as known (address_hmac, welcomed_at)
  select private.address_hmac(p_address), private.clock() where p_address is not null
  on conflict (address_hmac) do update set welcomed_at = coalesce(known.welcomed_at, excluded.welcomed_at);
$$;

revoke execute on function private.forgo_welcome(text) from public, anon, authenticated;

-- Links users of an earlier system to users of Auth, by `user_id` or by confirmed `email`: [{ id, outcome, user_id }],
-- in which `outcome` is `imported`, `already`, `left` (deleted since) or `missing` (no such user yet; the caller creates
-- the user, who gets no welcome credits, and calls again). `p_users` is [{ id, email, user_id }]. Safe to repeat.
create function public.import_users(
  p_source text,
  p_users jsonb
)
returns jsonb
language plpgsql
volatile
-- Runs as the owner: the service role can neither read auth.users nor change addresses.
security definer
set search_path = ''
as $$
declare
  v_line record;
  v_known private.imported_users;
  v_user auth.users;
  v_outcome text;
  v_answer jsonb := '[]';
begin
  for v_line in
    -- In one order: two imports lock the addresses alike.
    select * from jsonb_to_recordset(p_users) as lines (id text, email text, user_id uuid) order by id
  loop
    v_user := null;
    select * into v_known from private.imported_users where source = p_source and source_id = v_line.id;
    if found then
      v_outcome := case when v_known.user_id is null then 'left' else 'already' end;
    else
      select * into v_user from auth.users
      where deleted_at is null and case when v_line.user_id is not null then users.id = v_line.user_id
        else users.email = lower(v_line.email) and email_confirmed_at is not null end;
      perform private.forgo_welcome(coalesce(private.confirmed_address(v_user), private.mailbox(v_line.email)));
      v_outcome := case when v_user.id is null then 'missing' else 'imported' end;
      if v_user.id is not null then
        insert into private.imported_users (source, source_id, user_id) values (p_source, v_line.id, v_user.id)
        on conflict do nothing;
      end if;
    end if;
    v_answer := v_answer || jsonb_build_object(
      'id', v_line.id, 'outcome', v_outcome, 'user_id', coalesce(v_known.user_id, v_user.id));
  end loop;
  return v_answer;
end;
$$;

revoke execute on function public.import_users(text, jsonb) from public, anon, authenticated;
grant execute on function public.import_users(text, jsonb) to service_role;

-- Gives imported users their old balances, once for each user: { imported, already, left }. `p_credits` is
-- [{ user, amount }]. Safe to repeat.
create function public.import_credits(
  p_source text,
  p_credits jsonb
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_line record;
  v_imported integer := 0;
  v_already integer := 0;
  v_left integer := 0;
begin
  for v_line in
    -- Balances are locked in one order.
    select amount, owners.user_id, owners.import_id, owners.source_id
    from jsonb_to_recordset(p_credits) as lines (amount integer, "user" text)
    left join private.imported_users as owners on owners.source = p_source and owners.source_id = lines.user
    order by owners.user_id
  loop
    if v_line.source_id is null then
      raise exception 'Credits of a user who is not imported' using errcode = 'invalid_parameter_value';
    elsif v_line.user_id is null then
      v_left := v_left + 1;
    elsif (public.add_credits(v_line.user_id, v_line.amount, 'imported_balance', null, 'import:' || v_line.import_id)
      ->> 'success')::boolean then
      v_imported := v_imported + 1;
    else
      v_already := v_already + 1;
    end if;
  end loop;
  return jsonb_build_object('imported', v_imported, 'already', v_already, 'left', v_left);
end;
$$;

revoke execute on function public.import_credits(text, jsonb) from public, anon, authenticated;
grant execute on function public.import_credits(text, jsonb) to service_role;
