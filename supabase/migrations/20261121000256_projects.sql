-- Projects of the canvas and who works on them. Apps read and write them with any Supabase client, under row level
-- security.

create table public.projects (
  id uuid primary key default gen_random_uuid(),
  -- The one owner. It is a member too; the column lets a client read the project that it has just created, before the
  -- trigger has added that member.
  owner_id uuid not null default private.current_user_id()
    references public.credit_balances (user_id) on delete cascade,
  name text not null default 'Untitled',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint project_name_is_bounded check (char_length(name) between 1 and 200)
);

create index projects_by_owner on public.projects (owner_id);

create table public.project_members (
  project_id uuid not null references public.projects (id) on delete cascade,
  user_id uuid not null references public.credit_balances (user_id) on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  primary key (project_id, user_id),
  constraint member_role_is_known check (role in ('owner', 'editor', 'viewer'))
);

create index project_members_by_user on public.project_members (user_id);
create unique index a_project_has_one_owner on public.project_members (project_id) where role = 'owner';

-- How many rows a project or a user has in the tables of the canvas, so that none of them grows without end.
create table private.canvas_sizes (
  -- A project; for the projects themselves, their owner.
  holder_id uuid not null,
  table_name text not null,
  rows integer not null,
  primary key (holder_id, table_name),
  constraint user_owns_at_most_100_projects check (table_name <> 'projects' or rows <= 100),
  constraint project_has_at_most_50_members check (table_name <> 'project_members' or rows <= 50),
  constraint project_has_at_most_500_nodes check (table_name <> 'nodes' or rows <= 500),
  constraint project_has_at_most_2000_connections check (table_name <> 'connections' or rows <= 2000)
);

alter table private.canvas_sizes enable row level security;
create policy "Only the service role reads sizes" on private.canvas_sizes
  for all to service_role using (true) with check (true);
grant select on private.canvas_sizes to service_role;

-- Counts the rows that a statement added.
create function private.count_added_rows()
returns trigger
language plpgsql
volatile
-- Runs as the owner: clients must not reach the counts.
security definer
set search_path = ''
as $$
begin
  insert into private.canvas_sizes as sizes (holder_id, table_name, rows)
  select holder_id, tg_table_name, count(*)
  from (select (to_jsonb(added) ->> tg_argv[0])::uuid as holder_id from added) as holders
  -- In one order: two statements that add to the same projects do not wait for each other.
  group by holder_id order by holder_id
  on conflict (holder_id, table_name) do update set rows = sizes.rows + excluded.rows;
  return null;
end;
$$;

revoke execute on function private.count_added_rows() from public, anon, authenticated;

-- Counts the rows that a statement deleted.
create function private.count_deleted_rows()
returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  update private.canvas_sizes as sizes set rows = sizes.rows - holders.rows
  from (
    select (to_jsonb(deleted) ->> tg_argv[0])::uuid as holder_id, count(*)::integer as rows from deleted group by 1
  ) as holders
  where sizes.holder_id = holders.holder_id and sizes.table_name = tg_table_name;
  delete from private.canvas_sizes as sizes using deleted
  where sizes.holder_id = (to_jsonb(deleted) ->> tg_argv[0])::uuid and sizes.table_name = tg_table_name
    and sizes.rows = 0;
  return null;
end;
$$;

revoke execute on function private.count_deleted_rows() from public, anon, authenticated;

create trigger added_projects_are_counted after insert on public.projects
  referencing new table as added for each statement execute function private.count_added_rows('owner_id');
create trigger deleted_projects_are_counted after delete on public.projects
  referencing old table as deleted for each statement execute function private.count_deleted_rows('owner_id');
create trigger added_members_are_counted after insert on public.project_members
  referencing new table as added for each statement execute function private.count_added_rows('project_id');
create trigger deleted_members_are_counted after delete on public.project_members
  referencing old table as deleted for each statement execute function private.count_deleted_rows('project_id');

-- Makes the owner of a new project its first member.
create function private.add_owner()
returns trigger
language plpgsql
volatile
-- Runs as the owner: no client may add a member of this role.
security definer
set search_path = ''
as $$
begin
  insert into public.project_members (project_id, user_id, role) values (new.id, new.owner_id, 'owner');
  return null;
end;
$$;

revoke execute on function private.add_owner() from public, anon, authenticated;

create trigger owner_is_a_member after insert on public.projects
  for each row execute function private.add_owner();

-- Refuses to give a row of the canvas to another project or owner. Columns that cannot be updated would do too, but an
-- upsert, which apps save with, updates all that it sends.
create function private.refuse_move()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  raise exception 'A row of % keeps its id, its project and its owner', tg_table_name
    using errcode = 'restrict_violation';
end;
$$;

revoke execute on function private.refuse_move() from public, anon, authenticated;

-- Notes when a row was changed.
create function private.note_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  new.updated_at := now();
  return new;
end;
$$;

revoke execute on function private.note_change() from public, anon, authenticated;

create trigger projects_are_not_moved before update on public.projects
  for each row when ((old.id, old.owner_id) is distinct from (new.id, new.owner_id))
  execute function private.refuse_move();
create trigger project_changes_are_noted before update on public.projects
  for each row execute function private.note_change();
create trigger members_are_not_moved before update on public.project_members
  for each row when ((old.project_id, old.user_id) is distinct from (new.project_id, new.user_id))
  execute function private.refuse_move();

-- The projects in which the caller has one of these roles. For policies: a policy on project_members that read
-- project_members would never end. Called once a query where it stands as `in (select …)`.
create function private.my_projects(
  p_roles text[] default '{owner,editor,viewer}'
)
returns setof uuid
language sql
stable
security definer
set search_path = ''
as $$
  select project_id from public.project_members
  where user_id = (select private.current_user_id()) and role = any (p_roles);
$$;

revoke execute on function private.my_projects(text[]) from public, anon, authenticated;
grant execute on function private.my_projects(text[]) to authenticated, service_role;

alter table public.projects enable row level security;
create policy "Members read their projects" on public.projects
  for select to authenticated
  using (owner_id = (select private.current_user_id()) or id in (select private.my_projects()));
create policy "Users create projects of their own" on public.projects
  for insert to authenticated with check (owner_id = (select private.current_user_id()));
create policy "Owners rename their projects" on public.projects
  for update to authenticated
  using (owner_id = (select private.current_user_id())) with check (owner_id = (select private.current_user_id()));
create policy "Owners delete their projects" on public.projects
  for delete to authenticated using (owner_id = (select private.current_user_id()));
revoke all on public.projects from anon, authenticated, service_role;
grant select, insert, update, delete on public.projects to authenticated, service_role;

alter table public.project_members enable row level security;
create policy "Members see who is in their projects" on public.project_members
  for select to authenticated using (project_id in (select private.my_projects()));
create policy "Owners add editors and viewers" on public.project_members
  for insert to authenticated
  with check (role <> 'owner' and project_id in (select private.my_projects('{owner}')));
create policy "Owners change editors and viewers" on public.project_members
  for update to authenticated
  using (role <> 'owner' and project_id in (select private.my_projects('{owner}')))
  with check (role <> 'owner' and project_id in (select private.my_projects('{owner}')));
create policy "Owners remove members, and members leave" on public.project_members
  for delete to authenticated
  using (role <> 'owner' and (
    user_id = (select private.current_user_id()) or project_id in (select private.my_projects('{owner}'))));
revoke all on public.project_members from anon, authenticated, service_role;
grant select, insert, update, delete on public.project_members to authenticated, service_role;
