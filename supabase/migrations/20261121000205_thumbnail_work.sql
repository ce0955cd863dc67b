-- The thumbnails that delivered videos still wait for. A thumbnail is made after the delivery and apart from its job:
-- whatever becomes of it, the job stays completed, and no credits move.

-- One row for each, until the thumbnail is there or given up.
create table private.thumbnail_work (
  job_id uuid primary key references public.video_jobs (job_id) on delete cascade,
  -- The step that makes it, or the step that has made it together with the video.
  step jsonb not null,
  -- The number of the current submission. It continues the job's numbers: the address of a webhook has one of both.
  attempt integer not null,
  attempts_left integer not null,
  -- The provider's id of the current run, from when it is known until the run is over.
  provider_job_id text,
  -- When a worker may take it. The worker that takes it moves this on, so that another one continues if it stops.
  next_check_at timestamptz not null,
  -- When it is given up.
  deadline_at timestamptz not null,
  constraint thumbnail_attempts_are_counted check (attempt > 0 and attempts_left >= 0)
);

create index thumbnail_work_due on private.thumbnail_work (next_check_at);

alter table private.thumbnail_work enable row level security;
create policy "Only the service role makes thumbnails" on private.thumbnail_work
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.thumbnail_work to service_role;

-- Has the worker cancel the run of a thumbnail that is deleted, with its video or its owner, or given up.
create function private.cancel_run_of_thumbnail()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into private.runs_to_cancel (provider, provider_job_id, model, job_id, attempt, next_try_at)
  values (old.step ->> 'provider', old.provider_job_id, old.step ->> 'model', old.job_id, old.attempt, private.clock())
  on conflict do nothing;
  return null;
end;
$$;

revoke execute on function private.cancel_run_of_thumbnail() from public, anon, authenticated;

create trigger run_of_a_deleted_thumbnail_is_cancelled after delete on private.thumbnail_work
  for each row when (old.provider_job_id is not null)
  execute function private.cancel_run_of_thumbnail();
