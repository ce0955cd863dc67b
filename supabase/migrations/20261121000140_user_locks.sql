-- The locks of a user: whoever changes a job of theirs shares it, whoever erases them has it alone, and whoever lists their
-- videos reads from it since when a change is under way.

-- Announces that the transaction is going to change jobs of a user; to be called before any other lock is taken, and
-- before the time of the change is read. The first lock is what erase_account waits for, to be alone with the user. The
-- second one tells since which second a change is under way: private.horizon_of reads it. Neither waits for another change.
create function private.lock_user_shared(
  p_user_id uuid
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select pg_advisory_xact_lock_shared(hashtextextended(p_user_id::text, 0));
  -- Whole seconds since 2020 fit the lock's second key until 2088.
  select pg_advisory_xact_lock_shared(hashtext(p_user_id::text),
    floor(extract(epoch from private.clock() - timestamptz '2020-01-01 00:00:00+00'))::integer);
$$;

revoke execute on function private.lock_user_shared(uuid) from public, anon, authenticated;
grant execute on function private.lock_user_shared(uuid) to service_role;

-- Waits until the changes of a user's jobs that are under way are committed, and holds up others until the caller's
-- transaction has ended.
create function private.lock_user_exclusive(
  p_user_id uuid
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select pg_advisory_xact_lock(hashtextextended(p_user_id::text, 0));
$$;

revoke execute on function private.lock_user_exclusive(uuid) from public, anon, authenticated;
grant execute on function private.lock_user_exclusive(uuid) to service_role;

-- Until when all changes of a user's jobs can be seen: a whole millisecond, before which nothing will change any more.
-- 1. A writer takes its lock before it reads the time of its change, so the lock's second is never later than that time.
-- 2. We read the clock before we look: a writer whose lock is not there yet will read a later time than ours.
-- 3. Postgres shows a commit to others before it lets go of the locks: a writer whose lock is gone can be seen by the
--    next statement, and the caller reads the jobs in a later one than this.
-- 4. A lock that is there, also one of another user with the same hash, makes the horizon its second: older, never wrong.
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
    -- What this transaction itself has changed it sees.
    and pid <> pg_backend_pid();
  return date_trunc('milliseconds', least(v_now, timestamptz '2020-01-01 00:00:00+00' + v_second * interval '1 second'));
end;
$$;

revoke execute on function private.horizon_of(uuid) from public, anon, authenticated;
grant execute on function private.horizon_of(uuid) to service_role;
