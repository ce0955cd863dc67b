-- The audit of balances, ledger and jobs. The views below say once what must hold; audit_recent checks what is new,
-- audit_next_users some users after the others, and audit_credits everything at once.

-- The progress of the audit.
create table private.audit_state (
  only_row boolean primary key default true,
  -- Ledger entries up to this one, and jobs that ended up to this time, are audited.
  ledger_id bigint not null default 0,
  ends_until timestamptz not null default now(),
  -- The last audited user of the current round through all users; null between two rounds.
  after_user_id uuid,
  round_started_at timestamptz not null default '-infinity',
  constraint audit_has_one_state check (only_row)
);

insert into private.audit_state default values;

alter table private.audit_state enable row level security;
create policy "Only the service role audits" on private.audit_state
  for all to service_role using (true) with check (true);
grant select, update on private.audit_state to service_role;

-- Faults of a user's balance, compared with the sum of the user's ledger.
create function private.account_problems(
  p_user_id uuid,
  p_ledger bigint
)
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
  select 'balance_differs_from_ledger', p_user_id, null::uuid,
    format('balance %s, ledger %s', credits_remaining, p_ledger)
  from public.credit_balances as balances
  where balances.user_id = p_user_id and credits_remaining <> p_ledger
  union all
  select 'account_without_balance', p_user_id, null, format('ledger %s', p_ledger)
  where not exists (select from public.credit_balances as balances where balances.user_id = p_user_id)
    -- The ledger outlives the user; jobs and keys do not. The service role cannot read auth.users.
    and (exists (select from public.video_jobs as jobs where jobs.user_id = p_user_id)
      or exists (select from public.idempotency_log as keys where keys.user_id = p_user_id));
$$;

revoke execute on function private.account_problems(uuid, bigint) from public, anon, authenticated;
grant execute on function private.account_problems(uuid, bigint) to service_role;

-- Ledger entries whose balance is not the balance of the entry before plus their change.
create view private.ledger_problems with (security_invoker = true) as
select entries.id, 'ledger_entry_does_not_follow' as problem, entries.user_id, entries.job_id,
  format('entry %s: %s after %s makes %s', entries.id, change, balance_before, balance_after) as detail
from public.quota_log as entries cross join lateral (
  select coalesce((
    select earlier.balance_after from public.quota_log as earlier
    where earlier.user_id = entries.user_id and earlier.id < entries.id
    order by earlier.id desc limit 1), 0) as balance_before
) as before
where balance_after <> balance_before + change;

grant select on private.ledger_problems to service_role;

-- Jobs that were not charged or refunded as their end requires, or that no worker will end.
create view private.job_problems with (security_invoker = true) as
select found.problem, jobs.user_id, jobs.job_id, found.detail
from public.video_jobs as jobs cross join lateral (
  -- At most one of each exists: see the indexes of the ledger.
  select coalesce((select -change from public.quota_log where quota_log.job_id = jobs.job_id and change < 0), 0) as charged,
    coalesce((select change from public.quota_log where quota_log.job_id = jobs.job_id and change > 0), 0) as refunded,
    -- An imported video was paid for elsewhere: here nothing may have been charged or refunded.
    case when imported_from is null then credits_used else 0 end as price
  -- Calculated once per job.
  offset 0
) as booked cross join lateral (
  select 'job_not_charged_once', format('price %s, charged %s', price, charged)
  where charged <> price
  union all
  select 'failed_job_not_refunded_once', format('charged %s, refunded %s', charged, refunded)
  where status = 'failed' and refunded <> price
  union all
  select 'job_refunded_without_failing', format('status %s, refunded %s', status, refunded)
  where status <> 'failed' and refunded <> case when cardinality(skipped_extras) > 0 then credits_refunded else 0 end
  union all
  select 'private_video_has_no_copy', 'charged, but its owner cannot open it'
  where status = 'completed' and not files_are_public and video_path is null
  union all
  select 'unfinished_job_is_never_checked', format('status %s', status)
  -- In this order: otherwise the queue is read for every finished job too.
  where case when status in ('pending', 'processing') then (
    select next_check_at from private.job_queue where job_queue.job_id = jobs.job_id) is null end
  union all
  select 'thumbnail_is_never_ended', format('status %s', status)
  where exists (
    select from private.thumbnail_work as work
    where work.job_id = jobs.job_id and (status <> 'completed' or deadline_at < private.clock() - interval '60 minutes'))
) as found (problem, detail);

grant select on private.job_problems to service_role;

-- All faults. A query for a range of users reads only their rows.
create view private.book_problems with (security_invoker = true) as
select found.problem, accounts.user_id, found.job_id, found.detail
from (
  select user_id, sum(change)::bigint as ledger
  from (select user_id, change from public.quota_log union all select user_id, 0 from public.credit_balances) as entries
  group by user_id
) as accounts cross join lateral private.account_problems(accounts.user_id, accounts.ledger) as found
union all
select problem, user_id, job_id, detail from private.ledger_problems
union all
select problem, user_id, job_id, detail from private.job_problems;

grant select on private.book_problems to service_role;

-- Lists all faults. It must return no rows; docs/operations.md says what to do otherwise.
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
  select * from private.book_problems;
$$;

revoke execute on function public.audit_credits() from public, anon, authenticated;
grant execute on function public.audit_credits() to service_role;

-- Audits up to p_limit ledger entries after one, or after the last audited one, with the accounts and jobs that they
-- touch; before them the jobs that ended since and those that are unfinished: { problems, next }. The cost depends only
-- on what is new. `next` is for the next call; null when there is nothing left.
create function public.audit_recent(
  p_after_id bigint default null,
  p_limit integer default 5000
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  -- An entry gets its id before its commit: within the last hour an entry with a smaller id may still appear.
  v_settled timestamptz := private.clock() - interval '1 hour';
  v_state private.audit_state;
  v_after bigint;
  v_entries public.quota_log[];
  v_last bigint;
  v_problems jsonb;
begin
  select * into v_state from private.audit_state for update;
  v_after := coalesce(p_after_id, v_state.ledger_id);
  v_entries := array(select entries from public.quota_log as entries where id > v_after order by id limit p_limit);
  v_last := coalesce((v_entries[cardinality(v_entries)]).id, v_after);
  select jsonb_agg(distinct to_jsonb(problems)) into v_problems
  from (
    select problem, user_id, job_id, detail from private.ledger_problems where id > v_after and id <= v_last
    union all
    select problems.*
    from (select distinct user_id from unnest(v_entries)) as touched
    cross join lateral (
      select balance_after from public.quota_log where quota_log.user_id = touched.user_id order by id desc limit 1) as last
    cross join lateral private.account_problems(touched.user_id, balance_after) as problems
    union all
    select * from private.job_problems where job_id in (select job_id from unnest(v_entries))
    union all
    select * from private.job_problems where p_after_id is null and job_id in (
      select job_id from public.video_jobs where completed_at >= v_state.ends_until
      union all select job_id from public.video_jobs where status in ('pending', 'processing'))
  ) as problems;
  update private.audit_state set
    -- A part after an unsettled one does not count as audited either.
    ledger_id = case when v_after > ledger_id then ledger_id
      else coalesce((select min(id) - 1 from unnest(v_entries) where created_at >= v_settled), v_last) end,
    ends_until = case when p_after_id is null then v_settled else ends_until end
  where only_row;
  return jsonb_build_object('problems', coalesce(v_problems, '[]'),
    'next', case when cardinality(v_entries) = p_limit then v_last end);
end;
$$;

revoke execute on function public.audit_recent(bigint, integer) from public, anon, authenticated;
grant execute on function public.audit_recent(bigint, integer) to service_role;

-- Audits the next p_limit users of a round through all users, or fewer: it stops after the user whose ledger entries make
-- the sum exceed p_entries. A round begins at most once a day: { problems, more }. It finds what audit_recent cannot:
-- changes without a ledger entry.
create function public.audit_next_users(
  p_limit integer default 100,
  p_entries integer default 20000
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
set plan_cache_mode = 'force_custom_plan'
-- PostgREST applies it to the call. A user is audited in one piece, and a million entries of one take ten seconds.
set statement_timeout = '50s'
as $$
declare
  v_now timestamptz := private.clock();
  v_state private.audit_state;
  v_after uuid;
  v_up_to uuid;
  v_problems jsonb;
begin
  select * into v_state from private.audit_state for update;
  if v_state.after_user_id is null and v_state.round_started_at > v_now - interval '1 day' then
    return jsonb_build_object('problems', '[]'::jsonb, 'more', false);
  end if;
  v_after := coalesce(v_state.after_user_id, '00000000-0000-0000-0000-000000000000');
  -- Limited by entries too: busy users, and the many who have left, must not make a call longer than Postgres allows.
  v_up_to := least(
    (select user_id from public.credit_balances where user_id > v_after order by user_id offset p_limit - 1 limit 1),
    (select user_id from public.quota_log where user_id > v_after order by user_id offset p_entries limit 1));
  select jsonb_agg(to_jsonb(problems)) into v_problems
  from private.book_problems as problems
  where user_id > v_after and user_id <= coalesce(v_up_to, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  update private.audit_state set
    after_user_id = v_up_to,
    round_started_at = case when v_state.after_user_id is null then v_now else round_started_at end
  where only_row;
  return jsonb_build_object('problems', coalesce(v_problems, '[]'), 'more', v_up_to is not null);
end;
$$;

revoke execute on function public.audit_next_users(integer, integer) from public, anon, authenticated;
grant execute on function public.audit_next_users(integer, integer) to service_role;
