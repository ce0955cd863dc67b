-- Deleting an account. A user may be deleted by the user, the operator's code or the dashboard: in each case everything
-- of the user is deleted except the ledger, which stays under a random id.

-- Ends and refunds a user's unfinished jobs, and enqueues their runs to be cancelled.
create function private.end_unfinished_jobs(
  p_user_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_job public.video_jobs;
  v_queued private.job_queue;
begin
  -- All jobs before any balance, in the one order of locks.
  perform from public.video_jobs where user_id = p_user_id and completed_at is null order by job_id for update;
  for v_job in
    select * from public.video_jobs where user_id = p_user_id and completed_at is null order by job_id
  loop
    select * into v_queued from private.job_queue where job_id = v_job.job_id for update;
    insert into private.runs_to_cancel (provider, provider_job_id, model, job_id, attempt, next_try_at)
    select step ->> 'provider', v_queued.provider_job_id, step ->> 'model', v_job.job_id, v_queued.attempt, private.clock()
    from (select v_queued.steps -> v_queued.step as step) as current
    where v_queued.provider_job_id is not null
    on conflict do nothing;
    perform private.cancel_and_refund(v_job, v_queued, private.cancellation_state(v_job, v_queued, '{}') <> 'not_started',
      'The account was deleted');
  end loop;
end;
$$;

revoke execute on function private.end_unfinished_jobs(uuid) from public, anon, authenticated;

-- Erases a user who is being deleted: jobs (refunded if they were not delivered), balance, keys, tombstones, identity
-- and addresses; makes the ledger anonymous; and enqueues files to be deleted and runs to be cancelled.
create function private.erase_user()
returns trigger
language plpgsql
volatile
-- Runs as the owner: neither Supabase Auth's role nor the service role has all the necessary rights.
security definer
set search_path = ''
as $$
declare
  v_pseudonym uuid := gen_random_uuid();
begin
  -- Alone with this user: a transaction that starts or changes a job of the user waits, and then finds no account.
  perform private.lock_user_exclusive(old.id);
  perform private.end_unfinished_jobs(old.id);
  perform private.keep_usage(old.id);

  -- First the files that may be on their way, then those that are in Storage.
  perform private.enqueue_job_files(jobs) from public.video_jobs as jobs
  where user_id = old.id and (status <> 'completed' or video_path is null
    or exists (select from private.thumbnail_work where thumbnail_work.job_id = jobs.job_id));
  insert into private.files_to_delete (bucket, path, since)
  select bucket_id, name, private.clock() from storage.objects
  where bucket_id in ('videos', 'inputs')
    -- Storage has an index in this order of bytes. In it 0 follows /: the user's folder is between the two.
    and name collate "C" > old.id || '/' and name collate "C" < old.id || '0'
  on conflict do nothing;

  perform set_config('reelmint.erased_user', old.id::text, true);
  update public.quota_log set user_id = v_pseudonym where user_id = old.id;
  perform set_config('reelmint.erased_user', '', true);

  delete from public.video_jobs where user_id = old.id;
  delete from private.external_identities where user_id = old.id;
  -- Keys, tombstones, usage and addresses are deleted with it.
  delete from public.credit_balances where user_id = old.id;
  if tg_op = 'DELETE' then
    return old;
  end if;
  return new;
end;
$$;

revoke execute on function private.erase_user() from public, anon, authenticated;

create trigger reelmint_erases_a_user before delete on auth.users
  for each row execute function private.erase_user();
-- auth.admin.deleteUser(id, true) keeps the row and removes its address.
create trigger reelmint_erases_a_softly_deleted_user before update of deleted_at on auth.users
  for each row when (old.deleted_at is null and new.deleted_at is not null) execute function private.erase_user();

-- Deletes up to p_limit finished videos of a user who is about to be deleted, and returns their number: a large account
-- is deleted in many short steps.
create function public.delete_finished_videos(
  p_user_id uuid,
  p_limit integer
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_job public.video_jobs;
  v_deleted integer := 0;
begin
  perform private.lock_user_shared(p_user_id);
  perform private.require_account(p_user_id);
  for v_job in
    select * from public.video_jobs where job_id = any (array(
      -- Any of them, because sorting 100,000 videos takes longer than deleting 500.
      select job_id from public.video_jobs where user_id = p_user_id and completed_at is not null limit p_limit))
    order by job_id for update
  loop
    perform private.leave_tombstone(v_job);
    v_deleted := v_deleted + 1;
  end loop;
  return v_deleted;
end;
$$;

revoke execute on function public.delete_finished_videos(uuid, integer) from public, anon, authenticated;
grant execute on function public.delete_finished_videos(uuid, integer) to service_role;

-- Takes everybody out of the projects of a user who is about to be deleted, and the user out of all others. Committed
-- before the rest, because those who keep saving nodes would end in deadlocks with their deletion.
create function public.leave_projects(
  p_user_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform private.require_account(p_user_id);
  delete from public.project_members
  where user_id = p_user_id or project_id in (select id from public.projects where owner_id = p_user_id);
end;
$$;

revoke execute on function public.leave_projects(uuid) from public, anon, authenticated;
grant execute on function public.leave_projects(uuid) to service_role;

-- Makes a user the owner of their projects again, after a deletion of the account that failed. The other members stay out.
create function public.rejoin_projects(
  p_user_id uuid
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into public.project_members (project_id, user_id, role)
  select id, owner_id, 'owner' from public.projects where owner_id = p_user_id
  on conflict do nothing;
$$;

revoke execute on function public.rejoin_projects(uuid) from public, anon, authenticated;
grant execute on function public.rejoin_projects(uuid) to service_role;

-- Deletes a user; erase_user deletes the rest.
create function public.erase_account(
  p_user_id uuid
)
returns void
language plpgsql
volatile
-- Runs as the owner: the service role cannot delete from auth.users.
security definer
set search_path = ''
-- PostgREST applies it to the call. A ledger of 100,000 entries takes some seconds, and its usual limit is eight.
set statement_timeout = '50s'
as $$
begin
  perform private.require_account(p_user_id);
  -- Before the row of auth.users, which a transaction that refunds twice wants after its lock of the user: Postgres checks
  -- a reference again in a row that the same transaction has written.
  perform private.lock_user_exclusive(p_user_id);
  delete from auth.users where id = p_user_id;
end;
$$;

revoke execute on function public.erase_account(uuid) from public, anon, authenticated;
grant execute on function public.erase_account(uuid) to service_role;
