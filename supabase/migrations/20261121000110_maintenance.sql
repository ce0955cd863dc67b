-- What the operator has cron run: cleaning up.

-- Deletes up to p_limit expired keys, the oldest first, and says how many there were: { idempotency_keys }. Forgets what users
-- who left had used, once it counts no more.
create function public.purge_expired(
  p_limit integer default 1000
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_keys integer;
begin
  delete from public.idempotency_log
  where ctid = any (array(
    select ctid from public.idempotency_log
    where expires_at <= v_now order by expires_at limit p_limit
    -- A request that is about to use an expired key anew has its row.
    for update skip locked));
  get diagnostics v_keys = row_count;
  perform private.forget_usage();
  return jsonb_build_object('idempotency_keys', v_keys);
end;
$$;

revoke execute on function public.purge_expired(integer) from public, anon, authenticated;
grant execute on function public.purge_expired(integer) to service_role;
