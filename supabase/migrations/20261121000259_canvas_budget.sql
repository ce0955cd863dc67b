-- What the canvas of one user may hold: triggers count each change, and refuse what exceeds the budget of app_settings.
-- A job's end never does: the address of its video is not counted. So the end of a job waits for no count, and a full
-- canvas keeps no job from ending.

-- How much the projects of each owner have together.
create table private.canvas_usage (
  -- No foreign key: a user is deleted with the nodes locked first, then this row, as in every other change.
  owner_id uuid primary key,
  projects integer not null,
  -- Nodes and connections.
  rows integer not null,
  data_bytes bigint not null
);

alter table private.canvas_usage enable row level security;
create policy "Only the service role reads the usage of the canvas" on private.canvas_usage
  for all to service_role using (true) with check (true);
grant select on private.canvas_usage to service_role;

-- Refuses growth beyond the budget: 409 canvas_limit_reached with { limit, maximum } as its details. Who is above it,
-- because the operator lowered it, may still change and delete.
create function private.check_canvas_budget(
  p_usage private.canvas_usage,
  p_added private.canvas_usage
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_limit record;
begin
  select name, things, maximum into v_limit
  from public.app_settings as settings, lateral (values
    ('canvas_projects_per_user', 'projects', p_usage.projects, p_added.projects, settings.canvas_projects_per_user),
    ('canvas_rows_per_user', 'nodes and connections', p_usage.rows, p_added.rows, settings.canvas_rows_per_user),
    ('canvas_bytes_per_user', 'bytes of data', p_usage.data_bytes, p_added.data_bytes, settings.canvas_bytes_per_user)
  ) as limits (name, things, used, added, maximum)
  where added > 0 and used > maximum
  limit 1;
  if found then
    perform private.refuse(409, 'canvas_limit_reached',
      format('All projects of this owner together may have %s %s', v_limit.maximum, v_limit.things),
      jsonb_build_object('limit', v_limit.name, 'maximum', v_limit.maximum), 'Delete nodes or projects of this owner');
  end if;
end;
$$;

revoke execute on function private.check_canvas_budget(private.canvas_usage, private.canvas_usage)
  from public, anon, authenticated;

-- Adds what a project grew to what its owner has. The last row that a change of the canvas locks: two changes never wait
-- for each other.
create function private.count_for_owner()
returns trigger
language plpgsql
volatile
-- Runs as the owner: clients must not reach the counts.
security definer
set search_path = ''
as $$
declare
  v_added private.canvas_usage;
  v_usage private.canvas_usage;
begin
  -- Of a new project `old` is null, of a deleted one `new`.
  v_added.owner_id := coalesce(new.owner_id, old.owner_id);
  v_added.projects := num_nonnulls(new.project_id) - num_nonnulls(old.project_id);
  v_added.rows := coalesce(new.nodes + new.connections, 0) - coalesce(old.nodes + old.connections, 0);
  v_added.data_bytes := coalesce(new.data_bytes, 0) - coalesce(old.data_bytes, 0);
  insert into private.canvas_usage as usage select v_added.*
  on conflict (owner_id) do update set
    projects = usage.projects + excluded.projects, rows = usage.rows + excluded.rows,
    data_bytes = usage.data_bytes + excluded.data_bytes
  returning * into v_usage;
  perform private.check_canvas_budget(v_usage, v_added);
  delete from private.canvas_usage where owner_id = v_added.owner_id and projects = 0;
  return null;
end;
$$;

revoke execute on function private.count_for_owner() from public, anon, authenticated;

create trigger projects_count_for_their_owner after insert or delete on private.project_sizes
  for each row execute function private.count_for_owner();
create trigger growth_counts_for_the_owner after update on private.project_sizes
  for each row
  when ((old.nodes, old.connections, old.data_bytes) is distinct from (new.nodes, new.connections, new.data_bytes))
  execute function private.count_for_owner();

-- Adds rows and bytes to a project. One that is being deleted has no counts any more: all of it is given back at once.
create function private.resize_project(
  p_project_id uuid,
  p_table_name text,
  p_rows bigint,
  p_data_bytes bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update private.project_sizes set
    members = members + case p_table_name when 'project_members' then p_rows else 0 end,
    nodes = nodes + case p_table_name when 'nodes' then p_rows else 0 end,
    connections = connections + case p_table_name when 'connections' then p_rows else 0 end,
    data_bytes = data_bytes + p_data_bytes
  where project_id = p_project_id;
end;
$$;

revoke execute on function private.resize_project(uuid, text, bigint, bigint) from public, anon, authenticated;

-- Counts the rows that a statement added or deleted.
create function private.count_rows()
returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $$
begin
  perform private.resize_project(project_id, tg_table_name, case tg_op when 'INSERT' then rows else -rows end, 0)
  from (select project_id, count(*) as rows from changed group by project_id order by project_id) as changes;
  return null;
end;
$$;

revoke execute on function private.count_rows() from public, anon, authenticated;

-- The bytes of a node's data that count: all but the address of its video.
create function private.data_bytes(
  p_data jsonb
)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return octet_length((p_data - 'video_url')::text);
end;
$$;

revoke execute on function private.data_bytes(jsonb) from public, anon, authenticated;

-- Counts the bytes that a statement added to the data of nodes.
create function private.count_data()
returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_sizes text := concat_ws(' union all ',
    case when tg_op <> 'DELETE' then 'select project_id, private.data_bytes(data) as bytes from added' end,
    case when tg_op <> 'INSERT' then 'select project_id, -private.data_bytes(data) as bytes from deleted' end);
begin
  execute format(
    'select private.resize_project(project_id, ''nodes'', 0, bytes) from (select project_id, sum(bytes)::bigint as bytes
      from (%s) as sizes group by project_id having sum(bytes) <> 0 order by project_id) as changes', v_sizes);
  return null;
end;
$$;

revoke execute on function private.count_data() from public, anon, authenticated;

create trigger added_members_are_counted after insert on public.project_members
  referencing new table as changed for each statement execute function private.count_rows();
create trigger deleted_members_are_counted after delete on public.project_members
  referencing old table as changed for each statement execute function private.count_rows();
create trigger added_nodes_are_counted after insert on public.nodes
  referencing new table as changed for each statement execute function private.count_rows();
create trigger deleted_nodes_are_counted after delete on public.nodes
  referencing old table as changed for each statement execute function private.count_rows();
create trigger added_connections_are_counted after insert on public.connections
  referencing new table as changed for each statement execute function private.count_rows();
create trigger deleted_connections_are_counted after delete on public.connections
  referencing old table as changed for each statement execute function private.count_rows();
create trigger data_of_added_nodes_is_counted after insert on public.nodes
  referencing new table as added for each statement execute function private.count_data();
create trigger data_of_changed_nodes_is_counted after update on public.nodes
  referencing new table as added old table as deleted for each statement execute function private.count_data();
create trigger data_of_deleted_nodes_is_counted after delete on public.nodes
  referencing old table as deleted for each statement execute function private.count_data();
