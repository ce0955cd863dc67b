-- Deleting videos: by their owner, or because they are past the retention. The row goes at once, its refund, if one is
-- due, with it; the files follow, and what is left of them is found again by the purge. The ledger keeps what was paid.

-- Files that are to be deleted and may still be there: no row of anything else names them any more.
create table private.files_to_delete (
  bucket text not null,
  path text not null,
  -- Not before copy_lease_seconds after this: somebody may be writing it until then.
  since timestamptz not null,
  -- How often Storage has refused to delete it.
  refusals integer not null default 0,
  primary key (bucket, path),
  constraint refusals_are_counted check (refusals >= 0)
);

create index files_to_delete_by_age on private.files_to_delete (since);
-- By their bytes: for whoever looks for the files of one user.
create index files_to_delete_by_user on private.files_to_delete (bucket, path collate "C");

alter table private.files_to_delete enable row level security;
create policy "Only the service role deletes files" on private.files_to_delete
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.files_to_delete to service_role;

-- Puts a job's files on the list of those to be deleted: all that it may have, since a copy may be on its way now.
create function private.discard_files(
  p_job public.video_jobs
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into private.files_to_delete (bucket, path, since)
  select 'videos', p_job.user_id || '/' || p_job.job_id || ending,
    -- Of a job that is over, and whose copy is not still owed, nobody has begun to write since.
    case when p_job.status = 'failed' or p_job.video_path is not null then p_job.completed_at else private.clock() end
  from unnest(array['.mp4', '_thumb.jpg', '.vtt']) as ending
  on conflict do nothing;
$$;

revoke execute on function private.discard_files(public.video_jobs) from public, anon, authenticated;
grant execute on function private.discard_files(public.video_jobs) to service_role;

-- Deletes a locked job, leaving a tombstone, and word of the files that are to be deleted.
create function private.leave_tombstone(
  p_job public.video_jobs
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into public.deleted_videos (job_id, user_id, deleted_at)
  values (p_job.job_id, p_job.user_id, private.clock());
  perform private.discard_files(p_job);
  delete from public.video_jobs where job_id = p_job.job_id;
end;
$$;

revoke execute on function private.leave_tombstone(public.video_jobs) from public, anon, authenticated;
grant execute on function private.leave_tombstone(public.video_jobs) to service_role;

-- A page of the files of one user that are to be deleted, in the order of their names: [{ bucket, path }].
create function private.files_of(
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
  select coalesce(jsonb_agg(jsonb_build_object('bucket', bucket, 'path', path) order by bucket, path collate "C"), '[]')
  from (
    select bucket, path from private.files_to_delete
    -- The bytes of '/' and '0' are neighbours: everything in the user's folder is between them.
    where bucket in ('inputs', 'videos')
      and path collate "C" > p_user_id || '/' and path collate "C" < p_user_id || '0'
      and (bucket, path collate "C") > (p_after_bucket, p_after_path)
    order by bucket, path collate "C"
    limit p_limit
  ) as page;
$$;

revoke execute on function private.files_of(uuid, integer, text, text) from public, anon, authenticated;
grant execute on function private.files_of(uuid, integer, text, text) to service_role;

-- Deletes some of a user's videos, refunding what was not delivered: { deleted, not_found, not_deleted, ask, files, runs }.
-- not_deleted: [{ job_id, code }], those that a limit keeps going on. ask: the work of those whose runs must be looked at
-- first; whoever has done so calls again with what was seen, as for cancel_job. files: those to delete now, as
-- { bucket, path }. runs: the work whose runs are to be stopped. Safe to repeat.
create function public.delete_videos(
  p_user_id uuid,
  p_job_ids uuid[],
  p_seen jsonb default '{}'
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_job public.video_jobs;
  v_queued private.job_queue;
  v_standing text;
  v_problem jsonb;
  v_not_deleted jsonb := '[]';
  v_ask jsonb := '[]';
  v_runs jsonb := '[]';
begin
  perform private.lock_user_shared(p_user_id);
  perform private.require_account(p_user_id);
  -- All of them before any balance, and in one order: whoever ends one of them has its lock and waits for the balance.
  perform from public.video_jobs where user_id = p_user_id and job_id = any (p_job_ids) order by job_id for update;
  perform from private.job_queue as queued
  where exists (
    select from public.video_jobs as jobs
    where jobs.job_id = queued.job_id and jobs.user_id = p_user_id and jobs.job_id = any (p_job_ids))
  order by job_id for update;
  for v_job in
    select * from public.video_jobs where user_id = p_user_id and job_id = any (p_job_ids) order by job_id
  loop
    if v_job.completed_at is null then
      select * into v_queued from private.job_queue where job_id = v_job.job_id;
      v_standing := private.standing_of(v_job, v_queued, p_seen);
      if v_standing = 'unknown' then
        v_ask := v_ask || private.leased_job_json(v_job, v_queued, false);
        continue;
      end if;
      v_problem := case when v_standing <> 'not_started' then private.cancel_problem(v_job) end;
      if v_problem is not null then
        v_not_deleted := v_not_deleted || jsonb_build_object('job_id', v_job.job_id, 'code', v_problem -> 'outcome');
        continue;
      end if;
      v_runs := v_runs || private.leased_job_json(v_job, v_queued, false);
      perform private.end_by_owner(v_job, v_queued, v_standing <> 'not_started', 'The video was deleted');
    end if;
    perform private.leave_tombstone(v_job);
  end loop;

  return jsonb_build_object(
    'deleted', coalesce((
      select jsonb_agg(job_id) from public.deleted_videos
      where user_id = p_user_id and job_id = any (p_job_ids)), '[]'),
    'not_found', coalesce((
      select jsonb_agg(distinct asked.job_id) from unnest(p_job_ids) as asked (job_id)
      where not exists (
        select from public.deleted_videos as buried
        where buried.user_id = p_user_id and buried.job_id = asked.job_id)
        and not exists (
        select from public.video_jobs as jobs where jobs.user_id = p_user_id and jobs.job_id = asked.job_id)), '[]'),
    'not_deleted', v_not_deleted,
    'ask', v_ask,
    -- Three a video, and some that were left before: what does not fit is for the purge.
    'files', private.files_of(p_user_id, 500),
    'runs', v_runs);
end;
$$;

revoke execute on function public.delete_videos(uuid, uuid[], jsonb) from public, anon, authenticated;
grant execute on function public.delete_videos(uuid, uuid[], jsonb) to service_role;

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
  v_expired_before timestamptz := private.clock() - (
    select make_interval(days => retention_days) from public.app_settings);
  v_locked record;
  v_job_id uuid;
  v_deleted integer := 0;
begin
  for v_job_id in
    -- Taken by their ages, locked by their ids: a deletion by their owner waits for them in that order too.
    select job_id from (
      select job_id from public.video_jobs where completed_at < v_expired_before order by completed_at limit p_limit
    ) as expired
    order by job_id
  loop
    v_locked := private.lock_job(v_job_id, null);
    -- Its owner may have been faster.
    continue when (v_locked.job).job_id is null;
    perform private.leave_tombstone(v_locked.job);
    v_deleted := v_deleted + 1;
  end loop;
  return v_deleted;
end;
$$;

revoke execute on function public.delete_expired_videos(integer) from public, anon, authenticated;
grant execute on function public.delete_expired_videos(integer) to service_role;

create index video_jobs_by_completion on public.video_jobs (completed_at) where completed_at is not null;

-- Up to p_limit files that are to be deleted and that nobody can still be writing, those that wait longest first:
-- [{ bucket, path }].
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

-- Notes that files, given as [{ bucket, path }], are gone: for good once nobody can still be writing them. A worker that
-- dies right after its upload leaves a file behind a deletion, and the purge looks for it again.
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

-- Puts a file that Storage did not delete at the end of the list.
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
