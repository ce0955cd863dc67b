-- The limits of a user: jobs at a time, in an hour, and refunds in a day, and seconds in a month. Each limit is a
-- column of app_settings.

-- The number of a user's unfinished jobs.
create function private.active_jobs(
  p_user_id uuid
)
returns integer
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return (
    select count(*)::integer from public.video_jobs where user_id = p_user_id and status in ('pending', 'processing'));
end;
$$;

revoke execute on function private.active_jobs(uuid) from public, anon, authenticated;
grant execute on function private.active_jobs(uuid) to service_role;

-- The answer to a request beyond a limit: { outcome, limit, retry_after }, with retry_after in seconds.
create function private.limit_reached(
  p_outcome text,
  p_limit bigint,
  p_free_at timestamptz
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return jsonb_build_object('outcome', p_outcome, 'limit', p_limit,
    'retry_after', greatest(1, ceil(extract(epoch from p_free_at - private.clock()))::integer));
end;
$$;

revoke execute on function private.limit_reached(text, bigint, timestamptz) from public, anon, authenticated;
grant execute on function private.limit_reached(text, bigint, timestamptz) to service_role;

-- Returns the limit that a new job would break; null when none. Call it with the balance locked.
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
  v_used record;
  v_earlier record;
begin
  -- Only the counts, in one statement: when there is room again is asked where a limit is reached.
  select active_jobs_per_user, generations_per_hour, refusals_after_start_per_day, check_interval_max_seconds,
    (select count(*) from public.video_jobs
      where user_id = p_user_id and status in ('pending', 'processing')) as active_jobs,
    (select count(*) from private.counted_entries
      where user_id = p_user_id and counted_as = 'generations' and created_at > v_now - counts_for) as generations,
    (select count(*) from private.counted_entries
      where user_id = p_user_id and counted_as = 'refusals' and created_at > v_now - counts_for) as refusals,
    exists (select from private.user_addresses join private.addresses as known using (address_hmac)
      where user_id = p_user_id and known.left_at is not null) as has_left_before
  into v_used from public.app_settings;
  if v_used.has_left_before then
    v_earlier := private.earlier_usage(p_user_id);
    v_used.generations := v_used.generations + v_earlier.generations;
    v_used.refusals := v_used.refusals + v_earlier.refusals;
  end if;
  if v_used.active_jobs >= v_used.active_jobs_per_user then
    return private.limit_reached('too_many_active_jobs', v_used.active_jobs_per_user,
      v_now + make_interval(secs => v_used.check_interval_max_seconds));
  elsif v_used.generations >= v_used.generations_per_hour then
    return private.limit_reached('rate_limited', v_used.generations_per_hour,
      (private.recent_entries(p_user_id, 'generations')).free_at);
  elsif v_used.refusals >= v_used.refusals_after_start_per_day then
    return private.limit_reached('refusal_limit_reached', v_used.refusals_after_start_per_day,
      (private.recent_entries(p_user_id, 'refusals')).free_at);
  end if;
  return null;
end;
$$;

revoke execute on function private.limit_problem(uuid) from public, anon, authenticated;
grant execute on function private.limit_problem(uuid) to service_role;

-- Returns that a new job would exceed the monthly quota; null when it would not. Call it with the balance locked.
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
  v_limit integer := (select seconds_per_month from public.app_settings);
  v_month date;
  v_used integer;
begin
  if v_limit is null then
    return null;
  end if;
  v_month := private.month_of(private.clock());
  v_used := private.seconds_in_month(p_user_id, v_month);
  if v_used + p_seconds > v_limit then
    return private.limit_reached('monthly_quota_reached', v_limit, (v_month + interval '1 month') at time zone 'utc')
      || jsonb_build_object('used', v_used);
  end if;
  return null;
end;
$$;

revoke execute on function private.quota_problem(uuid, integer) from public, anon, authenticated;
grant execute on function private.quota_problem(uuid, integer) to service_role;
