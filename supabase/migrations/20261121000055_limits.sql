-- How much one user may have made: jobs at a time, an hour, and seconds a month. Each limit is a column of app_settings.

-- How many seconds of video each user has had generated in a month, failed jobs given back; outlives deleted videos.
create table private.monthly_usage (
  user_id uuid not null references public.credit_balances (user_id) on delete cascade,
  month date not null,
  seconds integer not null,
  primary key (user_id, month),
  constraint usage_is_never_negative check (seconds >= 0)
);

alter table private.monthly_usage enable row level security;
create policy "Only the service role counts usage" on private.monthly_usage
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.monthly_usage to service_role;

-- The month of a time, in UTC, by its first day.
create function private.month_of(
  p_time timestamptz
)
returns date
language sql
immutable
security invoker
set search_path = ''
as $$
  select date_trunc('month', p_time at time zone 'utc')::date;
$$;

revoke execute on function private.month_of(timestamptz) from public, anon, authenticated;
grant execute on function private.month_of(timestamptz) to service_role;

-- What users of the same addresses had used when they left, as far as it still counts: the limits go on with it.
create function private.earlier_usage(
  p_user_id uuid,
  out seconds integer,
  out generations integer,
  out cancels integer,
  out refusals integer,
  out left_at timestamptz
)
language sql
volatile
security invoker
set search_path = ''
as $$
  select
    coalesce(max(seconds_of_month) filter (where private.month_of(known.left_at) = private.month_of(now)), 0),
    coalesce(max(generations_of_hour) filter (where known.left_at > now - interval '1 hour'), 0),
    coalesce(max(cancels_of_day) filter (where known.left_at > now - interval '1 day'), 0),
    coalesce(max(refusals_of_day) filter (where known.left_at > now - interval '1 day'), 0),
    max(known.left_at)
  from private.user_addresses join private.addresses as known using (address_hmac),
    (select private.clock() as now) as clock
  where user_id = p_user_id;
$$;

revoke execute on function private.earlier_usage(uuid) from public, anon, authenticated;
grant execute on function private.earlier_usage(uuid) to service_role;

-- Forgets what users had used who left, once it counts no more, and addresses of which nothing is to be remembered.
create function private.forget_usage()
returns void
language plpgsql
volatile
-- Runs as the owner: what was kept of an address is not the service role's to change.
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  update private.addresses
  set left_at = null, seconds_of_month = 0, generations_of_hour = 0, cancels_of_day = 0, refusals_of_day = 0
  where left_at < least(v_now - interval '1 day', private.month_of(v_now)::timestamp at time zone 'utc');
  delete from private.addresses as known
  where welcomed_at is null and left_at is null
    and not exists (select from private.user_addresses where address_hmac = known.address_hmac);
end;
$$;

revoke execute on function private.forget_usage() from public, anon, authenticated;
grant execute on function private.forget_usage() to service_role;

-- How many unfinished jobs a user has.
create function private.active_jobs(
  p_user_id uuid
)
returns integer
language sql
stable
security invoker
set search_path = ''
as $$
  select count(*)::integer from public.video_jobs where user_id = p_user_id and status in ('pending', 'processing');
$$;

revoke execute on function private.active_jobs(uuid) from public, anon, authenticated;
grant execute on function private.active_jobs(uuid) to service_role;

-- How many generations a user has asked for within the last hour, and when the oldest of them. Counted in the ledger:
-- deleting a video does not undo that it was made.
create function private.generations_last_hour(
  p_user_id uuid,
  out generations integer,
  out oldest timestamptz
)
language sql
volatile
security invoker
set search_path = ''
as $$
  select own.generations + earlier.generations,
    least(own.oldest, case when earlier.generations > 0 then earlier.left_at end)
  from private.earlier_usage(p_user_id) as earlier, (
    select count(*)::integer as generations, min(created_at) as oldest from public.quota_log
    where user_id = p_user_id and change < 0 and job_id is not null
      and created_at > (select private.clock()) - interval '1 hour') as own;
$$;

revoke execute on function private.generations_last_hour(uuid) from public, anon, authenticated;
grant execute on function private.generations_last_hour(uuid) to service_role;

-- How many seconds of video a user has had generated in this month.
create function private.seconds_in_month(
  p_user_id uuid,
  p_month date
)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select coalesce((select seconds from private.monthly_usage where user_id = p_user_id and month = p_month), 0)
    + (private.earlier_usage(p_user_id)).seconds;
$$;

revoke execute on function private.seconds_in_month(uuid, date) from public, anon, authenticated;
grant execute on function private.seconds_in_month(uuid, date) to service_role;

-- Says which of the user's limits a new job would break; null when none. Call it with the balance locked.
create function private.limit_problem(
  p_user_id uuid
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_settings public.app_settings := (select app_settings from public.app_settings);
  v_recent record := private.generations_last_hour(p_user_id);
  v_refused record := private.refusals_last_day(p_user_id);
begin
  if private.active_jobs(p_user_id) >= v_settings.active_jobs_per_user then
    return jsonb_build_object('outcome', 'too_many_active_jobs',
      'limit', v_settings.active_jobs_per_user, 'retry_after', v_settings.check_interval_max_seconds);
  end if;

  if v_recent.generations >= v_settings.generations_per_hour then
    return jsonb_build_object('outcome', 'rate_limited', 'limit', v_settings.generations_per_hour,
      'retry_after', ceil(extract(epoch from v_recent.oldest + interval '1 hour' - v_now))::integer);
  end if;

  if v_refused.refusals >= v_settings.refusals_after_start_per_day then
    return jsonb_build_object('outcome', 'refusal_limit_reached', 'limit', v_settings.refusals_after_start_per_day,
      'retry_after', ceil(extract(epoch from v_refused.oldest + interval '1 day' - v_now))::integer);
  end if;
  return null;
end;
$$;

revoke execute on function private.limit_problem(uuid) from public, anon, authenticated;
grant execute on function private.limit_problem(uuid) to service_role;

-- How many jobs whose run had started a user has been refunded for within the last day, and when first. Counted in the
-- ledger: deleting the job does not undo it.
create function private.cancels_last_day(
  p_user_id uuid,
  out cancels integer,
  out oldest timestamptz
)
language sql
volatile
security invoker
set search_path = ''
as $$
  select own.cancels + earlier.cancels, least(own.oldest, case when earlier.cancels > 0 then earlier.left_at end)
  from private.earlier_usage(p_user_id) as earlier, (
    select count(*)::integer as cancels, min(created_at) as oldest from public.quota_log
    where user_id = p_user_id and reason = 'cancelled_after_start_refund'
      and created_at > (select private.clock()) - interval '1 day') as own;
$$;

revoke execute on function private.cancels_last_day(uuid) from public, anon, authenticated;
grant execute on function private.cancels_last_day(uuid) to service_role;

-- Says whether the user has had all refunds of a day for jobs whose run had started; null when not. Call it with the
-- balance locked.
create function private.cancel_limit_problem(
  p_user_id uuid
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_limit integer := (select cancels_after_start_per_day from public.app_settings);
  v_recent record := private.cancels_last_day(p_user_id);
begin
  if v_recent.cancels >= v_limit then
    return jsonb_build_object('outcome', 'cancel_limit_reached', 'limit', v_limit,
      'retry_after', ceil(extract(epoch from v_recent.oldest + interval '1 day' - v_now))::integer);
  end if;
  return null;
end;
$$;

revoke execute on function private.cancel_limit_problem(uuid) from public, anon, authenticated;
grant execute on function private.cancel_limit_problem(uuid) to service_role;

-- Says that a new job would be more than its user may have made in a month; null when it would not. Call it with the
-- balance locked.
create function private.quota_problem(
  p_user_id uuid,
  p_seconds integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_month date := private.month_of(v_now);
  v_limit integer := (select seconds_per_month from public.app_settings);
  v_used integer := private.seconds_in_month(p_user_id, v_month);
begin
  if v_used + p_seconds > v_limit then
    return jsonb_build_object('outcome', 'monthly_quota_reached', 'limit', v_limit, 'used', v_used,
      'retry_after', ceil(extract(epoch from
        (v_month + interval '1 month') at time zone 'utc' - v_now))::integer);
  end if;
  return null;
end;
$$;

revoke execute on function private.quota_problem(uuid, integer) from public, anon, authenticated;
grant execute on function private.quota_problem(uuid, integer) to service_role;

-- Counts a new job towards its user's month: it is given back only when the job fails.
create function private.count_usage(
  p_user_id uuid,
  p_seconds integer
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  insert into private.monthly_usage as usage (user_id, month, seconds)
  values (p_user_id, private.month_of(private.clock()), p_seconds)
  on conflict (user_id, month) do update set seconds = usage.seconds + excluded.seconds;
$$;

revoke execute on function private.count_usage(uuid, integer) from public, anon, authenticated;
grant execute on function private.count_usage(uuid, integer) to service_role;

-- The length that settings ask for, in whole seconds: the duration, or the frames of a model that counts those.
create function private.seconds_of(
  p_settings jsonb
)
returns integer
language sql
immutable
security invoker
set search_path = ''
as $$
  select ceil(coalesce(
    (p_settings ->> 'duration')::numeric,
    -- 16 a second is what the models that take frames make (Wan) where the settings do not say.
    (p_settings ->> 'num_frames')::numeric / coalesce((p_settings ->> 'fps')::numeric, 16),
    0))::integer;
$$;

revoke execute on function private.seconds_of(jsonb) from public, anon, authenticated;
grant execute on function private.seconds_of(jsonb) to service_role;
