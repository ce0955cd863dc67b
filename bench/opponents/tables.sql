-- What the opponents keep, as the documents of such apps describe it: balances, a ledger, models with one price, jobs and
-- answered keys, with the indexes and rights that a careful author gives them. Only the service role works with them.

create table public.flow_balances (
  user_id uuid primary key,
  credits bigint not null check (credits >= 0),
  updated_at timestamptz not null default now()
);

create table public.flow_quota_log (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  job_id uuid,
  change integer not null,
  reason text not null,
  balance_after bigint not null,
  created_at timestamptz not null default now()
);
create index on public.flow_quota_log (user_id, created_at desc);

create table public.flow_models (
  id uuid primary key,
  provider_model_id text not null,
  cost_per_generation integer not null,
  is_available boolean not null default true
);
insert into public.flow_models (id, provider_model_id, cost_per_generation)
select id, provider_model_id, 5 from public.models;

create table public.flow_jobs (
  job_id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  model_id uuid not null references public.flow_models (id),
  prompt text not null,
  settings jsonb not null default '{}',
  status text not null default 'pending' check (status in ('pending', 'processing', 'completed', 'failed')),
  provider_job_id text,
  video_url text,
  thumbnail_url text,
  credits_used integer not null,
  error_message text,
  progress integer not null default 0,
  checked_at timestamptz,
  next_check_at timestamptz,
  created_at timestamptz not null default now(),
  completed_at timestamptz
);
create index on public.flow_jobs (user_id, created_at desc);
create index on public.flow_jobs (next_check_at) where next_check_at is not null;

create table public.flow_idempotency_log (
  user_id uuid not null,
  idempotency_key text not null,
  job_id uuid,
  operation_type text not null,
  response_data jsonb not null,
  status_code integer not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (user_id, idempotency_key)
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['flow_balances', 'flow_quota_log', 'flow_models', 'flow_jobs', 'flow_idempotency_log'] loop
    execute format('alter table public.%I enable row level security', v_table);
    execute format('revoke all on public.%I from anon, authenticated', v_table);
    execute format('grant select, insert, update on public.%I to service_role', v_table);
  end loop;
end;
$$;

-- Takes credits by one conditional update, and writes the ledger.
create function public.flow_deduct_credits(p_user_id uuid, p_amount integer, p_reason text)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_balance bigint;
begin
  update public.flow_balances set credits = credits - p_amount, updated_at = now()
  where user_id = p_user_id and credits >= p_amount
  returning credits into v_balance;
  if not found then
    return jsonb_build_object('success', false, 'error', 'Insufficient credits', 'required_credits', p_amount,
      'current_credits', coalesce((select credits from public.flow_balances where user_id = p_user_id), 0));
  end if;
  insert into public.flow_quota_log (user_id, change, reason, balance_after)
  values (p_user_id, -p_amount, p_reason, v_balance);
  return jsonb_build_object('success', true, 'credits_remaining', v_balance);
end;
$$;

create function public.flow_add_credits(p_user_id uuid, p_amount integer, p_reason text, p_job_id uuid default null)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_balance bigint;
begin
  update public.flow_balances set credits = credits + p_amount, updated_at = now()
  where user_id = p_user_id
  returning credits into v_balance;
  insert into public.flow_quota_log (user_id, job_id, change, reason, balance_after)
  values (p_user_id, p_job_id, p_amount, p_reason, v_balance);
  return jsonb_build_object('success', true, 'credits_remaining', v_balance);
end;
$$;

-- Claims due jobs: no other worker gets them for the next two seconds.
create function public.flow_claim_jobs(p_limit integer)
returns jsonb
language sql
set search_path = ''
as $$
  with claimed as (
    update public.flow_jobs set next_check_at = now() + interval '2 seconds'
    where job_id in (
      select job_id from public.flow_jobs where next_check_at <= now()
      order by next_check_at limit p_limit for update skip locked)
    returning job_id, user_id, provider_job_id)
  select coalesce(jsonb_agg(claimed), '[]') from claimed;
$$;

-- The two procedures of the minimal function: they do nothing that costs.
create function public.minimal_before(p_user_id uuid) returns jsonb language sql stable as $$
  select jsonb_build_object('user_id', p_user_id, 'allowed', true);
$$;
create function public.minimal_after(p_user_id uuid, p_request_id text) returns jsonb language sql stable as $$
  select jsonb_build_object('user_id', p_user_id, 'request_id', p_request_id);
$$;

revoke execute on function public.flow_deduct_credits, public.flow_add_credits, public.flow_claim_jobs,
  public.minimal_before,
  public.minimal_after from public, anon, authenticated;
grant execute on function public.flow_deduct_credits, public.flow_add_credits, public.flow_claim_jobs,
  public.minimal_before,
  public.minimal_after to service_role;
