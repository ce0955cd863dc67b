-- The queue of files to delete. Their rows are already gone. The functions delete the files at once; the purge deletes
-- those that are left.

-- Files to delete that may still be in Storage: no other row names them.
create table private.files_to_delete (
  bucket text not null,
  path text not null,
  -- The row stays until copy_lease_seconds after this time: until then a worker may still be writing the file.
  since timestamptz not null,
  -- How often Storage refused to delete it.
  refusals integer not null default 0,
  primary key (bucket, path),
  constraint refusals_are_counted check (refusals >= 0)
);

create index files_to_delete_by_age on private.files_to_delete (since);
-- Sorted by bytes, for a search by the prefix of a user's folder.
create index files_to_delete_by_user on private.files_to_delete (bucket, path collate "C");

alter table private.files_to_delete enable row level security;
create policy "Only the service role deletes files" on private.files_to_delete
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.files_to_delete to service_role;

-- Enqueues all files that a job may have, because a copy may be on its way.
create function private.enqueue_job_files(
  p_job public.video_jobs
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into private.files_to_delete (bucket, path, since)
  select 'videos', p_job.user_id || '/' || p_job.job_id || ending,
    -- The files of a finished job have no writer since its last change, unless a copy or its thumbnail is open.
    case when (p_job.status = 'failed' or p_job.video_path is not null)
        and not exists (select from private.thumbnail_work where job_id = p_job.job_id)
      then p_job.updated_at else private.clock() end
  from unnest(array['.mp4', '_thumb.jpg', '.vtt']
    || case when 'subtitles' = any (p_job.step_names) then array['.ass'] end) as ending
  on conflict do nothing;
end;
$$;

revoke execute on function private.enqueue_job_files(public.video_jobs) from public, anon, authenticated;
grant execute on function private.enqueue_job_files(public.video_jobs) to service_role;

-- A page of one user's files to delete, sorted by name: [{ bucket, path }].
create function private.files_of(
  p_user_id uuid,
  p_limit integer,
  p_after_bucket text default '',
  p_after_path text default ''
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select coalesce(jsonb_agg(jsonb_build_object('bucket', bucket, 'path', path) order by bucket, path collate "C"), '[]')
    from (
      select bucket, path from private.files_to_delete
      -- In bytes, 0 follows /: everything in the user's folder is between the two.
      where bucket in ('inputs', 'videos')
        and path collate "C" > p_user_id || '/' and path collate "C" < p_user_id || '0'
        and (bucket, path collate "C") > (p_after_bucket, p_after_path)
      order by bucket, path collate "C"
      limit p_limit
    ) as page);
end;
$$;

revoke execute on function private.files_of(uuid, integer, text, text) from public, anon, authenticated;
grant execute on function private.files_of(uuid, integer, text, text) to service_role;

-- A page of a user's files to delete, sorted by name: [{ bucket, path }]. The user may be deleted already.
create function public.list_files_of_user(
  p_user_id uuid,
  p_limit integer,
  p_after_bucket text default '',
  p_after_path text default ''
)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select private.files_of(p_user_id, p_limit, p_after_bucket, p_after_path);
$$;

revoke execute on function public.list_files_of_user(uuid, integer, text, text) from public, anon, authenticated;
grant execute on function public.list_files_of_user(uuid, integer, text, text) to service_role;

-- Up to p_limit files to delete that no worker can still be writing, those that have waited longest first: [{ bucket,
-- path }].
create function public.list_files_to_delete(
  p_limit integer
)
returns jsonb
language sql
stable
security invoker
set search_path = ''
as $$
  select coalesce(jsonb_agg(jsonb_build_object('bucket', bucket, 'path', path) order by since, bucket, path), '[]')
  from (
    select bucket, path, since from private.files_to_delete
    where since <= (select private.clock() - make_interval(secs => copy_lease_seconds) from public.app_settings)
    order by since, bucket, path
    limit p_limit
  ) as files;
$$;

revoke execute on function public.list_files_to_delete(integer) from public, anon, authenticated;
grant execute on function public.list_files_to_delete(integer) to service_role;

-- Records that files, [{ bucket, path }], were deleted. A file leaves the queue once no worker can still be writing it:
-- a worker that stops right after its upload can leave a file behind, and the purge deletes it again.
create function public.record_deleted_files(
  p_files jsonb
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  delete from private.files_to_delete as waiting
  using jsonb_to_recordset(p_files) as gone (bucket text, path text)
  where waiting.bucket = gone.bucket and waiting.path = gone.path
    and since <= (select private.clock() - make_interval(secs => copy_lease_seconds) from public.app_settings);
$$;

revoke execute on function public.record_deleted_files(jsonb) from public, anon, authenticated;
grant execute on function public.record_deleted_files(jsonb) to service_role;

-- Moves a file that Storage did not delete to the end of the queue.
create function public.postpone_file(
  p_bucket text,
  p_path text
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update private.files_to_delete set since = private.clock(), refusals = refusals + 1
  where bucket = p_bucket and path = p_path;
$$;

revoke execute on function public.postpone_file(text, text) from public, anon, authenticated;
grant execute on function public.postpone_file(text, text) to service_role;
