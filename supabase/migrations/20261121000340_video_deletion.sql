-- Deleting videos: by their owner, or after the retention time. The row goes at once, with a refund if one is due; the
-- files are enqueued and deleted afterwards. The ledger keeps what was paid.

-- What is left of a deleted video, so that clients learn that it was deleted.
create table public.deleted_videos (
  job_id uuid primary key,
  user_id uuid not null references public.credit_balances (user_id) on delete cascade,
  deleted_at timestamptz not null
);

create index deleted_videos_by_user on public.deleted_videos (user_id, deleted_at, job_id);
create index deleted_videos_by_age on public.deleted_videos (deleted_at);

alter table public.deleted_videos enable row level security;
create policy "Only the service role reads tombstones" on public.deleted_videos
  for all to service_role using (true) with check (true);
revoke all on public.deleted_videos from anon, authenticated, service_role;
grant select, insert, delete on public.deleted_videos to service_role;

-- The whole second from which on clients learn of deletions: older tombstones are purged.
create function private.tombstones_since()
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return (
    select date_trunc('second', private.clock()) - make_interval(days => tombstone_days) + interval '1 second'
    from public.app_settings);
end;
$$;

revoke execute on function private.tombstones_since() from public, anon, authenticated;
grant execute on function private.tombstones_since() to service_role;

-- Deletes up to p_limit tombstones that clients no longer need, the oldest first. Returns their number.
create function public.purge_tombstones(
  p_limit integer
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_since timestamptz := private.tombstones_since();
  v_deleted integer;
begin
  delete from public.deleted_videos
  where ctid = any (array(
    select ctid from public.deleted_videos
    -- One day longer, for pages that a client is reading now.
    where deleted_at < v_since - interval '1 day' order by deleted_at limit p_limit));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;

revoke execute on function public.purge_tombstones(integer) from public, anon, authenticated;
grant execute on function public.purge_tombstones(integer) to service_role;

-- Deletes a locked job, leaves a tombstone and enqueues the files.
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
  perform private.forget_repeats(p_job.job_id);
  perform private.enqueue_job_files(p_job);
  delete from public.video_jobs where job_id = p_job.job_id;
end;
$$;

revoke execute on function private.leave_tombstone(public.video_jobs) from public, anon, authenticated;
grant execute on function private.leave_tombstone(public.video_jobs) to service_role;

-- Deletes some of a user's videos and refunds those that were not delivered: { deleted, not_found, not_deleted,
-- runs_to_check, files, runs }. Safe to repeat.
-- not_deleted: [{ job_id, code }], jobs that go on because of a limit.
-- runs_to_check: leased jobs; the caller checks their runs and calls again with the states, as for cancel_job.
-- files: those to delete now, [{ bucket, path }]. runs: leased jobs whose runs are to be stopped.
create function public.delete_videos(
  p_user_id uuid,
  p_job_ids uuid[],
  p_run_states jsonb default '{}'
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
  v_state text;
  v_problem jsonb;
  v_not_deleted jsonb := '[]';
  v_runs_to_check jsonb := '[]';
  v_runs jsonb := '[]';
begin
  perform private.lock_user_shared(p_user_id);
  perform private.require_account(p_user_id);
  -- All jobs before any balance, and in one order: a transaction that ends one of them holds its lock and waits for the
  -- balance.
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
      v_state := private.cancellation_state(v_job, v_queued, p_run_states);
      if v_state = 'unknown' then
        v_runs_to_check := v_runs_to_check || private.leased_job_json(v_job, v_queued, false);
        continue;
      end if;
      v_problem := case when v_state <> 'not_started' then private.cancel_problem(v_job) end;
      if v_problem is not null then
        v_not_deleted := v_not_deleted || jsonb_build_object('job_id', v_job.job_id, 'code', v_problem -> 'outcome');
        continue;
      end if;
      v_runs := v_runs || private.leased_job_json(v_job, v_queued, false);
      perform private.cancel_and_refund(v_job, v_queued, v_state <> 'not_started', 'The video was deleted');
    end if;
    perform private.leave_tombstone(v_job);
  end loop;

  return jsonb_build_object(
    'deleted', coalesce((
      select jsonb_agg(job_id) from public.deleted_videos
      where user_id = p_user_id and job_id = any (p_job_ids)), '[]'),
    'not_found', coalesce((
      select jsonb_agg(distinct requested.job_id) from unnest(p_job_ids) as requested (job_id)
      where not exists (
        select from public.deleted_videos as tombstones
        where tombstones.user_id = p_user_id and tombstones.job_id = requested.job_id)
        and not exists (
        select from public.video_jobs as jobs where jobs.user_id = p_user_id and jobs.job_id = requested.job_id)), '[]'),
    'not_deleted', v_not_deleted,
    'runs_to_check', v_runs_to_check,
    -- Three files per video, and some from before. The purge deletes the rest.
    'files', private.files_of(p_user_id, 500),
    'runs', v_runs);
end;
$$;

revoke execute on function public.delete_videos(uuid, uuid[], jsonb) from public, anon, authenticated;
grant execute on function public.delete_videos(uuid, uuid[], jsonb) to service_role;

-- Deletes up to p_limit finished videos of all users after the retention time, the oldest first. Returns their number.
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
    -- Chosen by age, locked by id: a deletion by the owner locks in the order of the ids too.
    select job_id from (
      select job_id from public.video_jobs where completed_at < v_expired_before order by completed_at limit p_limit
    ) as expired
    order by job_id
  loop
    v_locked := private.lock_job(v_job_id, null);
    -- The owner may have deleted it first.
    continue when (v_locked.job).job_id is null;
    perform private.leave_tombstone(v_locked.job);
    v_deleted := v_deleted + 1;
  end loop;
  return v_deleted;
end;
$$;

revoke execute on function public.delete_expired_videos(integer) from public, anon, authenticated;
grant execute on function public.delete_expired_videos(integer) to service_role;
