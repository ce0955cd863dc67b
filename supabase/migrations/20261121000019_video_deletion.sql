-- Deleting videos: by their owner, or because they are past the retention. The row goes at once, its refund, if one is
-- due, with it; the files follow, and what is left of them is found again by the purge. The ledger keeps what was paid.

-- Deletes a locked job and leaves a tombstone with the files to delete.
create function private.bury_job(
  p_job public.video_jobs
)
returns text[]
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  -- The video's own path always: a copy may be on its way there now.
  v_files text[] := array_remove(
    array[p_job.user_id || '/' || p_job.job_id || '.mp4', p_job.thumbnail_path], null);
begin
  insert into public.deleted_videos (job_id, user_id, deleted_at, files)
  values (p_job.job_id, p_job.user_id, private.clock(), v_files);
  delete from public.video_jobs where job_id = p_job.job_id;
  return v_files;
end;
$$;

revoke execute on function private.bury_job(public.video_jobs) from public, anon, authenticated;
grant execute on function private.bury_job(public.video_jobs) to service_role;

-- Deletes some of a user's videos, refunding what was not delivered: { deleted, not_found, files, runs }, with the files
-- to delete now and the work whose runs are to be cancelled. Safe to repeat.
create function public.delete_videos(
  p_user_id uuid,
  p_job_ids uuid[]
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record;
  v_job_id uuid;
  v_files text[] := '{}';
  v_runs jsonb := '[]';
begin
  perform private.begin_change(p_user_id);
  -- In one order, so that two of these never wait for each other.
  for v_job_id in select distinct job_id from unnest(p_job_ids) as asked (job_id) order by job_id loop
    v_locked := private.lock_job(v_job_id, null);
    continue when (v_locked.job).user_id is distinct from p_user_id;
    if (v_locked.job).completed_at is null then
      v_runs := v_runs || private.work_json(v_locked.job, v_locked.work, false);
      perform public.fail_job(v_job_id, (v_locked.work).attempt, 'cancelled', 'The video was deleted');
    end if;
    v_files := v_files || private.bury_job(v_locked.job);
  end loop;

  return jsonb_build_object(
    'deleted', coalesce((
      select jsonb_agg(job_id) from public.deleted_videos
      where user_id = p_user_id and job_id = any (p_job_ids)), '[]'),
    'not_found', coalesce((
      select jsonb_agg(distinct asked.job_id) from unnest(p_job_ids) as asked (job_id)
      where not exists (
        select from public.deleted_videos as buried
        where buried.user_id = p_user_id and buried.job_id = asked.job_id)), '[]'),
    'files', to_jsonb(v_files),
    'runs', v_runs);
end;
$$;

revoke execute on function public.delete_videos(uuid, uuid[]) from public, anon, authenticated;
grant execute on function public.delete_videos(uuid, uuid[]) to service_role;

-- Deletes up to p_limit finished videos past the retention, of all users, the oldest first; how many there were.
create function public.delete_expired_videos(
  p_limit integer
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record;
  v_job_id uuid;
  v_deleted integer := 0;
begin
  for v_job_id in
    select jobs.job_id from public.video_jobs as jobs, public.app_settings as settings
    where jobs.completed_at < private.clock() - make_interval(days => settings.retention_days)
    order by jobs.completed_at
    limit p_limit
  loop
    v_locked := private.lock_job(v_job_id, null);
    -- Its owner may have been faster.
    continue when (v_locked.job).job_id is null;
    perform private.bury_job(v_locked.job);
    v_deleted := v_deleted + 1;
  end loop;
  return v_deleted;
end;
$$;

revoke execute on function public.delete_expired_videos(integer) from public, anon, authenticated;
grant execute on function public.delete_expired_videos(integer) to service_role;

create index video_jobs_by_completion on public.video_jobs (completed_at) where completed_at is not null;

-- Files of deleted videos that are still there, as far as we know.
create function public.list_undeleted_files(
  p_limit integer
)
returns table (
  job_id uuid,
  files text[]
)
language sql
stable
security invoker
set search_path = ''
as $$
  select buried.job_id, buried.files from public.deleted_videos as buried
  where buried.files <> '{}' order by buried.deleted_at limit p_limit;
$$;

revoke execute on function public.list_undeleted_files(integer) from public, anon, authenticated;
grant execute on function public.list_undeleted_files(integer) to service_role;

-- Notes that the files of deleted videos are gone.
create function public.record_deleted_files(
  p_job_ids uuid[]
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.deleted_videos set files = '{}' where job_id = any (p_job_ids);
$$;

revoke execute on function public.record_deleted_files(uuid[]) from public, anon, authenticated;
grant execute on function public.record_deleted_files(uuid[]) to service_role;
