-- Push: each change of a job's state is broadcast to its owner's private channel `jobs:{user_id}` by Supabase Realtime.
-- It is only a hint: a client that missed one reads the job. Apps that listen to the table itself (`postgres_changes`)
-- get its inserts and updates too, under row level security: docs/realtime.md has what that costs.

-- Sends the job's new state, where Realtime exists; an error there never stops the change itself.
create function private.broadcast_job()
returns trigger
language plpgsql
volatile
-- Runs as the owner: realtime.send writes to a table that the service role of other projects may not reach.
security definer
set search_path = ''
as $$
begin
  if to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null then
    perform realtime.send(
      jsonb_build_object(
        'job_id', new.job_id, 'status', new.status, 'node_id', new.node_id, 'error_code', new.error_code,
        'progress', jsonb_build_object('percent', new.progress_percent, 'stage', new.stage),
        'updated_at', private.iso_time(new.updated_at)),
      'job_changed', 'jobs:' || new.user_id, true);
  end if;
  return null;
exception when others then
  -- Every error: a failed broadcast must not cost a user the video. It is in the log of the database.
  raise warning 'Realtime did not take the change of job %: %', new.job_id, sqlerrm;
  return null;
end;
$$;

revoke execute on function private.broadcast_job() from public, anon, authenticated;

-- The import of old videos is no news; their copy is.
create trigger job_changes_are_broadcast after insert or update on public.video_jobs
  for each row when (new.imported_from is null or new.video_path is not null)
  execute function private.broadcast_job();

do $$
begin
  if to_regclass('realtime.messages') is not null and to_regprocedure('realtime.topic()') is not null then
    execute $policy$
      create policy "Users receive the changes of their own jobs" on realtime.messages
        for select to authenticated
        using (extension = 'broadcast' and realtime.topic() = 'jobs:' || (select private.current_user_id())::text)
    $policy$;
  end if;
end;
$$;

do $$
begin
  if not exists (select from pg_publication where pubname = 'supabase_realtime') then
    create publication supabase_realtime with (publish = 'insert, update');
  elsif not exists (select from pg_publication_tables where pubname = 'supabase_realtime') then
    -- Realtime cannot check a row that is gone: it would send the id of each deleted job to every listener. Where the
    -- project publishes other tables already, its own choice stands.
    alter publication supabase_realtime set (publish = 'insert, update');
  end if;
  -- A publication of all tables has this one already.
  if not exists (
    select from pg_publication_tables
    where pubname = 'supabase_realtime' and schemaname = 'public' and tablename = 'video_jobs'
  ) then
    alter publication supabase_realtime add table public.video_jobs;
  end if;
end;
$$;

-- A role that may not read the key gets a message without content for each change of any job, which tells how busy the
-- service is. With this grant Realtime asks the policies instead, and none lets `anon` see a row.
grant select (job_id) on public.video_jobs to anon;
