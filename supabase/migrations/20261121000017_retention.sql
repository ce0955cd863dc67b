-- Old videos go when the operator has set a retention: file and row together. The ledger keeps what was paid.

-- Finished jobs past the retention, the oldest first, with the files that must go before their rows may.
create function public.list_expired_videos(
  p_limit integer default 100
)
returns table (
  job_id uuid,
  video_path text,
  thumbnail_path text
)
language sql
volatile
security invoker
set search_path = ''
as $$
  select jobs.job_id, jobs.video_path, jobs.thumbnail_path
  from public.video_jobs as jobs, public.app_settings as settings
  where jobs.completed_at < private.clock() - make_interval(days => settings.retention_days)
  order by jobs.completed_at
  limit p_limit;
$$;

revoke execute on function public.list_expired_videos(integer) from public, anon, authenticated;
grant execute on function public.list_expired_videos(integer) to service_role;

-- Deletes the rows of jobs whose files are gone; how many there were.
create function public.delete_expired_videos(
  p_job_ids uuid[]
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_deleted integer;
begin
  delete from public.video_jobs as jobs using public.app_settings as settings
  where jobs.job_id = any (p_job_ids)
    and jobs.completed_at < private.clock() - make_interval(days => settings.retention_days);
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;

revoke execute on function public.delete_expired_videos(uuid[]) from public, anon, authenticated;
grant execute on function public.delete_expired_videos(uuid[]) to service_role;

create index video_jobs_by_completion on public.video_jobs (completed_at) where completed_at is not null;
