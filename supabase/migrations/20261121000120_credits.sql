-- Money: one balance per user, and a ledger that only grows. Locks are always taken in this order: user, jobs, their
-- queue rows, balance, ledger, thumbnails, circuits (see ARCHITECTURE.md).

create table public.credit_balances (
  user_id uuid primary key references auth.users (id) on delete cascade,
  -- A bigint, so that no sum of refunds and purchases overflows: a refund must not fail for that.
  credits_remaining bigint not null,
  updated_at timestamptz not null default now(),
  constraint balance_is_never_negative check (credits_remaining >= 0)
);

-- No foreign keys: the ledger outlives the user and the job.
create table public.quota_log (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  change integer not null,
  reason text not null,
  job_id uuid,
  transaction_id text,
  balance_after bigint not null,
  created_at timestamptz not null default now(),
  constraint ledger_entry_moves_credits check (change <> 0),
  constraint ledger_balance_is_never_negative check (balance_after >= 0),
  constraint ledger_reason_is_short_text check (char_length(reason) between 1 and 200),
  constraint transaction_id_is_used_once unique (transaction_id)
);

create unique index a_job_is_charged_once on public.quota_log (job_id) where change < 0;
create unique index a_job_is_refunded_once on public.quota_log (job_id) where change > 0;
create index quota_log_by_user on public.quota_log (user_id, id desc);
create index quota_log_charges on public.quota_log (user_id, created_at) where change < 0 and job_id is not null;
create index quota_log_cancellations on public.quota_log (user_id, created_at)
  where reason = 'cancelled_after_start_refund';
create index quota_log_refusals on public.quota_log (user_id, created_at) where reason = 'refused_after_start_refund';

alter table public.credit_balances enable row level security;
create policy "Users read their own balance" on public.credit_balances
  for select to authenticated using (user_id = (select private.current_user_id()));
revoke all on public.credit_balances from anon, authenticated, service_role;
grant select on public.credit_balances to authenticated;
grant select, insert, update on public.credit_balances to service_role;

alter table public.quota_log enable row level security;
create policy "Users read their own ledger" on public.quota_log
  for select to authenticated using (user_id = (select private.current_user_id()));
revoke all on public.quota_log from anon, authenticated, service_role;
revoke all on sequence public.quota_log_id_seq from anon, authenticated, service_role;
grant select on public.quota_log to authenticated;
grant select, insert on public.quota_log to service_role;

-- Refuses every change to a ledger entry by any role, except that a user who leaves is made anonymous (see erase_user).
create function private.refuse_ledger_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if tg_op = 'UPDATE' and old.user_id::text = current_setting('reelmint.erased_user', true) then
    -- Whatever the statement changes, only the user's id is replaced, also in the transaction id of the welcome.
    old.transaction_id := case when old.transaction_id = 'welcome:' || old.user_id
      then 'welcome:' || new.user_id else old.transaction_id end;
    old.user_id := new.user_id;
    return old;
  end if;
  raise exception 'The ledger only grows: % is refused', tg_op using errcode = 'restrict_violation';
end;
$$;

revoke execute on function private.refuse_ledger_change() from public, anon, authenticated;

create trigger ledger_rows_are_never_changed before update or delete on public.quota_log
  for each row execute function private.refuse_ledger_change();
create trigger ledger_is_never_emptied before truncate on public.quota_log
  for each statement execute function private.refuse_ledger_change();

-- Takes credits from a user, or reports that there are not enough.
create function public.deduct_credits(
  p_user_id uuid,
  p_amount integer,
  p_reason text default 'video_generation',
  p_job_id uuid default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz;
  v_balance bigint;
begin
  if p_amount is null or p_amount <= 0 then
    raise exception 'Amount must be positive: %', p_amount using errcode = 'invalid_parameter_value';
  end if;

  select credits_remaining into v_balance
  from public.credit_balances where user_id = p_user_id
  for update;

  if v_balance is null or v_balance < p_amount then
    return jsonb_build_object(
      'success', false, 'error', 'Insufficient credits',
      'current_credits', coalesce(v_balance, 0), 'required_credits', p_amount);
  end if;

  v_now := private.clock();
  insert into public.quota_log (user_id, change, reason, job_id, transaction_id, balance_after, created_at)
  values (p_user_id, -p_amount, p_reason, p_job_id, 'charge:' || p_job_id, v_balance - p_amount, v_now);
  update public.credit_balances
  set credits_remaining = v_balance - p_amount, updated_at = v_now
  where user_id = p_user_id;

  return jsonb_build_object('success', true, 'credits_remaining', v_balance - p_amount);
end;
$$;

revoke execute on function public.deduct_credits(uuid, integer, text, uuid) from public, anon, authenticated;
grant execute on function public.deduct_credits(uuid, integer, text, uuid) to service_role;

-- Gives credits to a user: at most once per transaction id and at most once per job.
create function public.add_credits(
  p_user_id uuid,
  p_amount integer,
  p_reason text,
  p_job_id uuid default null,
  p_transaction_id text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz;
  v_balance bigint;
begin
  if p_amount is null or p_amount <= 0 then
    raise exception 'Amount must be positive: %', p_amount using errcode = 'invalid_parameter_value';
  end if;

  insert into public.credit_balances (user_id, credits_remaining) values (p_user_id, 0)
  on conflict (user_id) do nothing;
  select credits_remaining into strict v_balance
  from public.credit_balances where user_id = p_user_id
  for update;

  v_now := private.clock();
  insert into public.quota_log (user_id, change, reason, job_id, transaction_id, balance_after, created_at)
  values (p_user_id, p_amount, p_reason, p_job_id, p_transaction_id, v_balance + p_amount, v_now)
  on conflict do nothing;
  if not found then
    return jsonb_build_object(
      'success', false, 'error', 'Transaction already processed', 'credits_remaining', v_balance);
  end if;

  update public.credit_balances
  set credits_remaining = v_balance + p_amount, updated_at = v_now
  where user_id = p_user_id;
  return jsonb_build_object(
    'success', true, 'credits_added', p_amount, 'credits_remaining', v_balance + p_amount);
end;
$$;

revoke execute on function public.add_credits(uuid, integer, text, uuid, text) from public, anon, authenticated;
grant execute on function public.add_credits(uuid, integer, text, uuid, text) to service_role;

-- Refuses a caller who has no account: the token of a user outlives the user. PostgREST and the functions answer this
-- error with 401.
create function private.require_account(
  p_user_id uuid
)
returns void
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  if not exists (select from public.credit_balances where user_id = p_user_id) then
    raise exception 'There is no such account' using errcode = 'PT401';
  end if;
end;
$$;

revoke execute on function private.require_account(uuid) from public, anon, authenticated;
grant execute on function private.require_account(uuid) to service_role;

-- Returns a user's account: { user_id, credits_remaining }.
create function public.read_account(
  p_user_id uuid
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  perform private.require_account(p_user_id);
  return (
    select jsonb_build_object('user_id', user_id, 'credits_remaining', credits_remaining)
    from public.credit_balances where user_id = p_user_id);
end;
$$;

revoke execute on function public.read_account(uuid) from public, anon, authenticated;
grant execute on function public.read_account(uuid) to service_role;
