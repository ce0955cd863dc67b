-- The locks of a user. A change of the user's jobs shares the lock, the deletion of the user has it alone, and a
-- listing reads from it since when changes are under way.

-- Announces that the transaction is going to change jobs of a user. Call it before any other lock is taken and before
-- the time of the change is read. The first lock is the one that erase_user waits for. The second lock carries the
-- second in which the change began: private.horizon_of reads it. Neither lock waits for another change.
create function private.lock_user_shared(
  p_user_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended(p_user_id::text, 0)),
    -- Whole seconds since 2020 fit the integer key of the lock until 2088.
    pg_advisory_xact_lock_shared(hashtext(p_user_id::text),
      floor(extract(epoch from private.clock() - timestamptz '2020-01-01 00:00:00+00'))::integer);
end;
$$;

revoke execute on function private.lock_user_shared(uuid) from public, anon, authenticated;
grant execute on function private.lock_user_shared(uuid) to service_role;

-- Waits until all running changes of a user's jobs are committed, and blocks new ones until the caller's transaction
-- has ended.
create function private.lock_user_exclusive(
  p_user_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_user_id::text, 0));
end;
$$;

revoke execute on function private.lock_user_exclusive(uuid) from public, anon, authenticated;
grant execute on function private.lock_user_exclusive(uuid) to service_role;

-- The time up to which all changes of a user's jobs are visible: a whole millisecond. Nothing before it will change any
-- more.
-- 1. A writer takes its lock before it reads the time of its change, so the lock's second is never later than that
--    time.
-- 2. We read the clock before we read the locks: a writer without a lock at that moment will read a later time than
--    ours.
-- 3. Postgres makes a commit visible before it releases the locks: if the lock of a writer is gone, the next statement
--    sees its change, and the caller reads the jobs in a later statement than this.
-- 4. If there is a lock, even of another user with the same hash, the horizon is the lock's second: earlier than
--    needed, never wrong.
create function private.horizon_of(
  p_user_id uuid
)
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_second integer;
begin
  select min(objid::bigint) into v_second from pg_locks
  where locktype = 'advisory' and objsubid = 2 and classid = hashtext(p_user_id::text)::oid
    and database = (select oid from pg_database where datname = current_database())
    -- A transaction sees its own changes.
    and pid <> pg_backend_pid();
  return date_trunc('milliseconds', least(v_now, timestamptz '2020-01-01 00:00:00+00' + v_second * interval '1 second'));
end;
$$;

revoke execute on function private.horizon_of(uuid) from public, anon, authenticated;
grant execute on function private.horizon_of(uuid) to service_role;
