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

-- How large each project is: triggers keep these counts (canvas_budget). A project alone cannot fill the budget of its
-- owner, so an editor cannot either.
create table private.project_sizes (
  project_id uuid primary key references public.projects (id) on delete cascade,
  -- Kept here too: when a project is deleted, its own row is gone before this one.
  owner_id uuid not null,
  members integer not null default 0,
  nodes integer not null default 0,
  connections integer not null default 0,
  -- Of the data of its nodes.
  data_bytes bigint not null default 0,
  constraint project_has_at_most_50_members check (members <= 50),
  constraint project_has_at_most_500_nodes check (nodes <= 500),
  constraint project_has_at_most_2000_connections check (connections <= 2000)
);

alter table private.project_sizes enable row level security;
create policy "Only the service role reads sizes" on private.project_sizes
  for all to service_role using (true) with check (true);
grant select on private.project_sizes to service_role;

-- Begins to count a new project, and makes its owner its first member.
create function private.open_project()
returns trigger
language plpgsql
volatile
-- Runs as the owner: no client may reach the counts or add a member of this role.
security definer
set search_path = ''
as $$
begin
  insert into private.project_sizes (project_id, owner_id) values (new.id, new.owner_id);
  insert into public.project_members (project_id, user_id, role) values (new.id, new.owner_id, 'owner');
  return null;
end;
$$;

revoke execute on function private.open_project() from public, anon, authenticated;

create trigger project_is_opened after insert on public.projects
  for each row execute function private.open_project();

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
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return query
    select project_id from public.project_members
    where user_id = (select private.current_user_id()) and role = any (p_roles);
end;
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
