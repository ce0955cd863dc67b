-- Push: each change of a job's state is broadcast to its owner's private channel `jobs:{user_id}` by Supabase Realtime.
-- It is only a hint: a client that missed one reads the job.

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
    execute 'select realtime.send($1, $2, $3, true)' using
      jsonb_build_object(
        'job_id', new.job_id, 'status', new.status, 'node_id', new.node_id, 'error_code', new.error_code,
        'progress', jsonb_build_object('percent', new.progress_percent, 'stage', new.stage),
        'updated_at', private.iso_time(new.updated_at)),
      'job_changed', 'jobs:' || new.user_id;
  end if;
  return null;
exception when others then
  -- Every error: a failed broadcast must not cost a user the video. It is in the log of the database.
  raise warning 'Realtime did not take the change of job %: %', new.job_id, sqlerrm;
  return null;
end;
$$;

revoke execute on function private.broadcast_job() from public, anon, authenticated;

create trigger job_changes_are_broadcast after insert or update on public.video_jobs
  for each row execute function private.broadcast_job();

do $$
begin
  if to_regclass('realtime.messages') is not null and to_regprocedure('realtime.topic()') is not null then
    execute $policy$
      create policy "Users receive the changes of their own jobs" on realtime.messages
        for select to authenticated
        using (extension = 'broadcast' and realtime.topic() = 'jobs:' || (select auth.uid())::text)
    $policy$;
  end if;
end;
$$;
