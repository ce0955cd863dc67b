-- How much one user may have made: jobs at a time, an hour, and seconds a month. Each limit is a column of app_settings.

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

-- How many jobs of a user were refused within the last day for what they were given, once a run of theirs was done, and
-- when first.
create function private.refusals_last_day(
  p_user_id uuid,
  out refusals integer,
  out oldest timestamptz
)
language sql
volatile
security invoker
set search_path = ''
as $$
  select own.refusals + earlier.refusals, least(own.oldest, case when earlier.refusals > 0 then earlier.left_at end)
  from private.earlier_usage(p_user_id) as earlier, (
    select count(*)::integer as refusals, min(created_at) as oldest from public.quota_log
    where user_id = p_user_id and reason = 'refused_after_start_refund'
      and created_at > (select private.clock()) - interval '1 day') as own;
$$;

revoke execute on function private.refusals_last_day(uuid) from public, anon, authenticated;
grant execute on function private.refusals_last_day(uuid) to service_role;

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
