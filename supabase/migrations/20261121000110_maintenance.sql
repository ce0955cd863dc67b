-- What the operator runs, or has cron run: cleaning up, and proof that the books balance.

-- Deletes up to p_limit expired keys, the oldest first, and says how many there were: { idempotency_keys }.
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
  return jsonb_build_object('idempotency_keys', v_keys);
end;
$$;

revoke execute on function public.purge_expired(integer) from public, anon, authenticated;
grant execute on function public.purge_expired(integer) to service_role;

-- Lists every contradiction in the books. It must return no rows; docs/operations.md says what to do if it does.
create function public.audit_credits()
returns table (
  problem text,
  user_id uuid,
  job_id uuid,
  detail text
)
language sql
stable
security invoker
set search_path = ''
as $$
  with movements as (
    select quota_log.job_id, sum(change) filter (where change < 0) as charged, sum(change) filter (where change > 0) as refunded
    from public.quota_log where quota_log.job_id is not null group by quota_log.job_id
  ), jobs as (
    select video_jobs.*, coalesce(-charged, 0) as charged, coalesce(refunded, 0) as refunded
    from public.video_jobs left join movements using (job_id)
  )
  select 'balance_differs_from_ledger', balances.user_id, null::uuid,
    format('balance %s, ledger %s', balances.credits_remaining, coalesce(sum(change), 0))
  from public.credit_balances as balances left join public.quota_log using (user_id)
  group by balances.user_id having balances.credits_remaining <> coalesce(sum(change), 0)
  union all
  select 'account_without_balance', entries.user_id, null::uuid, format('ledger %s', sum(change))
  from public.quota_log as entries
  where not exists (select from public.credit_balances where credit_balances.user_id = entries.user_id)
    -- The ledger outlives the user, jobs and keys do not; auth.users itself is not the service role's to read.
    and (exists (select from public.video_jobs where video_jobs.user_id = entries.user_id)
      or exists (select from public.idempotency_log where idempotency_log.user_id = entries.user_id))
  group by entries.user_id
  union all
  select 'ledger_entry_does_not_follow', entries.user_id, entries.job_id,
    format('entry %s: %s after %s makes %s', entries.id, change, balance_before, balance_after)
  from (
    select quota_log.*, lag(balance_after, 1, 0) over (partition by quota_log.user_id order by quota_log.id) as balance_before
    from public.quota_log
  ) as entries
  where balance_after <> balance_before + change
  union all
  select 'job_not_charged_once', jobs.user_id, jobs.job_id, format('price %s, charged %s', credits_used, jobs.charged)
  from jobs where jobs.charged <> credits_used
  union all
  select 'failed_job_not_refunded_once', jobs.user_id, jobs.job_id, format('charged %s, refunded %s', jobs.charged, jobs.refunded)
  from jobs where status = 'failed' and jobs.refunded <> credits_used
  union all
  select 'job_refunded_without_failing', jobs.user_id, jobs.job_id, format('status %s, refunded %s', status, jobs.refunded)
  from jobs where status <> 'failed'
    and jobs.refunded <> case when cardinality(left_out) > 0 then credits_refunded else 0 end
  union all
  select 'private_video_has_no_copy', jobs.user_id, jobs.job_id, 'charged, and nobody can open it'
  from jobs where status = 'completed' and not files_are_public and video_path is null
  union all
  select 'unfinished_job_is_never_looked_at', jobs.user_id, jobs.job_id, format('status %s', status)
  from jobs left join private.job_work using (job_id)
  where status in ('pending', 'processing') and next_check_at is null;
$$;

revoke execute on function public.audit_credits() from public, anon, authenticated;
grant execute on function public.audit_credits() to service_role;
