-- The graph of a project: nodes, and connections from one to another. Members read it, owner and editors change it.

create table public.nodes (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  -- The app's own names, such as prompt, image or video.
  type text not null,
  position jsonb not null default '{"x": 0, "y": 0}',
  -- What the app keeps with the node. The end of a job writes `video_url` into it.
  data jsonb not null default '{}',
  status text not null default 'idle',
  error_message text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint node_can_be_connected_in_its_project unique (project_id, id),
  constraint node_type_is_bounded check (char_length(type) between 1 and 64),
  constraint node_position_is_a_small_object check (
    jsonb_typeof(position) = 'object' and octet_length(position::text) <= 256
  ),
  constraint node_data_is_an_object check (jsonb_typeof(data) = 'object'),
  -- Without the address of the video: the end of a job must find room for it, however full an app makes its node.
  constraint node_data_is_at_most_32_kib check (octet_length((data - 'video_url')::text) <= 32768),
  constraint node_video_url_is_bounded check (octet_length((data -> 'video_url')::text) <= 2048),
  constraint node_status_is_known check (status in ('idle', 'pending', 'processing', 'completed', 'failed')),
  constraint node_error_message_is_bounded check (char_length(error_message) <= 500)
);

create table public.connections (
  id uuid primary key default gen_random_uuid(),
  project_id uuid not null references public.projects (id) on delete cascade,
  source_node_id uuid not null,
  target_node_id uuid not null,
  -- Which of a node's ports, where the app has several.
  source_handle text,
  target_handle text,
  created_at timestamptz not null default now(),
  -- Both nodes are of the connection's own project.
  constraint connection_has_a_source foreign key (project_id, source_node_id)
    references public.nodes (project_id, id) on delete cascade,
  constraint connection_has_a_target foreign key (project_id, target_node_id)
    references public.nodes (project_id, id) on delete cascade,
  constraint connection_joins_two_nodes check (source_node_id <> target_node_id),
  constraint connection_is_drawn_once
    unique nulls not distinct (source_node_id, target_node_id, source_handle, target_handle),
  constraint connection_handles_are_bounded check (
    char_length(source_handle) between 1 and 64 and char_length(target_handle) between 1 and 64
  )
);

create index connections_by_source on public.connections (project_id, source_node_id);
create index connections_by_target on public.connections (project_id, target_node_id);

-- Refuses JSON that is small to send and huge to write out: PostgreSQL writes 1e131071 with all its zeros. The constraints
-- above cannot stop it, because they write it out, and so does the error of each of them.
create function private.check_node_json()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- First the size as it is stored, which is quick. 32 KiB of text are never more than this.
  if greatest(pg_column_size(new.data), pg_column_size(new.position)) > 262144 or jsonb_path_exists(
    jsonb_build_array(new.data, new.position),
    'strict $.** ? (@.type() == "number" && @ != 0 && (@ >= 1e309 || @ <= -1e309 || (@ < 1e-330 && @ > -1e-330)))')
  then
    perform private.refuse(400, 'validation_failed',
      'data and position must be small, and their numbers from 1e-330 to 1e309');
  end if;
  return new;
end;
$$;

revoke execute on function private.check_node_json() from public, anon, authenticated;

create trigger json_of_nodes_is_checked before insert or update of data, position on public.nodes
  for each row execute function private.check_node_json();
create trigger nodes_are_not_moved before update on public.nodes
  for each row when ((old.id, old.project_id) is distinct from (new.id, new.project_id))
  execute function private.refuse_move();
create trigger node_changes_are_noted before update on public.nodes
  for each row execute function private.note_change();
create trigger connections_are_not_moved before update on public.connections
  for each row when ((old.id, old.project_id) is distinct from (new.id, new.project_id))
  execute function private.refuse_move();

alter table public.nodes enable row level security;
create policy "Members read the nodes of their projects" on public.nodes
  for select to authenticated using (project_id in (select private.my_projects()));
create policy "Editors add nodes" on public.nodes
  for insert to authenticated with check (project_id in (select private.my_projects('{owner,editor}')));
create policy "Editors change nodes" on public.nodes
  for update to authenticated using (project_id in (select private.my_projects('{owner,editor}')))
  with check (project_id in (select private.my_projects('{owner,editor}')));
create policy "Editors delete nodes" on public.nodes
  for delete to authenticated using (project_id in (select private.my_projects('{owner,editor}')));
revoke all on public.nodes from anon, authenticated, service_role;
grant select, insert, update, delete on public.nodes to authenticated, service_role;

alter table public.connections enable row level security;
create policy "Members read the connections of their projects" on public.connections
  for select to authenticated using (project_id in (select private.my_projects()));
create policy "Editors add connections" on public.connections
  for insert to authenticated with check (project_id in (select private.my_projects('{owner,editor}')));
create policy "Editors change connections" on public.connections
  for update to authenticated using (project_id in (select private.my_projects('{owner,editor}')))
  with check (project_id in (select private.my_projects('{owner,editor}')));
create policy "Editors delete connections" on public.connections
  for delete to authenticated using (project_id in (select private.my_projects('{owner,editor}')));
revoke all on public.connections from anon, authenticated, service_role;
grant select, insert, update, delete on public.connections to authenticated, service_role;
