-- The step that makes a thumbnail, kept ready: it is the same for all videos, and to make it takes as long as half of the
-- writes of a delivery. Triggers write it in the transaction that changes the catalogue, so that none is ever old.

-- One row for videos whose provider's files clients can open, and one for the others; no rows while the step is switched
-- off.
create table private.ready_thumbnail_steps (
  files_are_public boolean primary key,
  step jsonb not null
);

alter table private.ready_thumbnail_steps enable row level security;
create policy "Only the service role reads the steps that are ready" on private.ready_thumbnail_steps
  for all to service_role using (true) with check (true);
grant select on private.ready_thumbnail_steps to service_role;

-- Writes the ready steps anew.
create function private.prepare_thumbnail_steps()
returns trigger
language plpgsql
volatile
-- Runs as the owner: nobody else writes them.
security definer
set search_path = ''
as $$
begin
  -- Of two changes at once the second waits here, and sees the first one then. Deliveries do not wait.
  lock table private.ready_thumbnail_steps in share row exclusive mode;
  delete from private.ready_thumbnail_steps;
  insert into private.ready_thumbnail_steps
  select files_are_public, step
  from unnest('{true,false}'::boolean[]) as files_are_public, lateral private.thumbnail_step(files_are_public) as step
  where step is not null;
  return null;
end;
$$;

revoke execute on function private.prepare_thumbnail_steps() from public, anon, authenticated;

create trigger thumbnail_step_follows_its_tool after insert or update or delete or truncate on public.pipeline_tools
  for each statement execute function private.prepare_thumbnail_steps();
create trigger thumbnail_step_follows_its_row after insert or update or delete or truncate on public.pipeline_steps
  for each statement execute function private.prepare_thumbnail_steps();

-- The rows of the steps are there already.
update public.pipeline_steps set name = name where false;
