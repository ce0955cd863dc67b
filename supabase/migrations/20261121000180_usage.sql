-- The usage of a user, including what counts from before the user left and came back.

-- The seconds of video that each user had generated in a month, without failed jobs. Deleting a video does not reduce
-- it.
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

-- The month of a time in UTC, as its first day.
create function private.month_of(
  p_time timestamptz
)
returns date
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return date_trunc('month', p_time at time zone 'utc')::date;
end;
$$;

revoke execute on function private.month_of(timestamptz) from public, anon, authenticated;
grant execute on function private.month_of(timestamptz) to service_role;

-- The length that settings ask for, in whole seconds; 0 where the model does not tell it.
create function private.seconds_of(
  p_settings jsonb
)
returns integer
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return ceil(coalesce(private.length_of(p_settings), 0))::integer;
end;
$$;

revoke execute on function private.seconds_of(jsonb) from public, anon, authenticated;
grant execute on function private.seconds_of(jsonb) to service_role;

-- Adds a new job to its user's month. Only a failed job is subtracted again.
create function private.count_usage(
  p_user_id uuid,
  p_seconds integer
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into private.monthly_usage as usage (user_id, month, seconds)
  values (p_user_id, private.month_of(private.clock()), p_seconds)
  on conflict (user_id, month) do update set seconds = usage.seconds + excluded.seconds;
end;
$$;

revoke execute on function private.count_usage(uuid, integer) from public, anon, authenticated;
grant execute on function private.count_usage(uuid, integer) to service_role;

-- What users of the same addresses had used when they left, as far as it still counts towards a limit.
create function private.earlier_usage(
  p_user_id uuid,
  out seconds integer,
  out generations integer,
  out cancels integer,
  out refusals integer,
  out left_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  select
    coalesce(max(seconds_of_month) filter (where private.month_of(known.left_at) = private.month_of(now)), 0),
    coalesce(max(generations_of_hour) filter (where known.left_at > now - interval '1 hour'), 0),
    coalesce(max(cancels_of_day) filter (where known.left_at > now - interval '1 day'), 0),
    coalesce(max(refusals_of_day) filter (where known.left_at > now - interval '1 day'), 0),
    max(known.left_at)
  into seconds, generations, cancels, refusals, left_at
  from private.user_addresses join private.addresses as known using (address_hmac),
    (select private.clock() as now) as clock
  where user_id = p_user_id and known.left_at is not null;
end;
$$;

revoke execute on function private.earlier_usage(uuid) from public, anon, authenticated;
grant execute on function private.earlier_usage(uuid) to service_role;

-- The seconds of video that a user had generated in a month.
create function private.seconds_in_month(
  p_user_id uuid,
  p_month date
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return coalesce((select seconds from private.monthly_usage where user_id = p_user_id and month = p_month), 0)
    + (private.earlier_usage(p_user_id)).seconds;
end;
$$;

revoke execute on function private.seconds_in_month(uuid, date) from public, anon, authenticated;
grant execute on function private.seconds_in_month(uuid, date) to service_role;

-- The entries of the ledger that count towards a limit, and for how long each counts. An entry counts even if its job is
-- deleted. Each part has its own index.
create view private.counted_entries with (security_invoker = true) as
select user_id, created_at, 'generations' as counted_as, interval '1 hour' as counts_for
from public.quota_log where change < 0 and job_id is not null
union all
-- Jobs that their owner ended after a run had started: the provider bills us for the run.
select user_id, created_at, 'cancels', interval '1 day' from public.quota_log where reason = 'cancelled_after_start_refund'
union all
-- Jobs that failed because of the user's input, such as a last image that cannot be opened, after a part of the video
-- was made: the provider bills us for that part.
select user_id, created_at, 'refusals', interval '1 day' from public.quota_log where reason = 'refused_after_start_refund';

grant select on private.counted_entries to service_role;

-- How many entries count towards a limit now, and when the oldest of them stops counting. What users of the same
-- addresses used before they left is included.
create function private.recent_entries(
  p_user_id uuid,
  p_counted_as text,
  out used integer,
  out free_at timestamptz
)
-- plpgsql keeps the plan, and the branches of the view for other limits are not executed.
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_earlier record := private.earlier_usage(p_user_id);
  v_earlier_used integer := case p_counted_as
    when 'generations' then v_earlier.generations
    when 'cancels' then v_earlier.cancels
    when 'refusals' then v_earlier.refusals end;
begin
  select count(*) + v_earlier_used, least(min(created_at), case when v_earlier_used > 0 then v_earlier.left_at end)
    + case p_counted_as when 'generations' then interval '1 hour' else interval '1 day' end
  into used, free_at
  from private.counted_entries
  where user_id = p_user_id and counted_as = p_counted_as and created_at > v_now - counts_for;
end;
$$;

revoke execute on function private.recent_entries(uuid, text) from public, anon, authenticated;
grant execute on function private.recent_entries(uuid, text) to service_role;

-- Keeps the usage of a user who leaves with each of the user's addresses, so that the limits still hold if the user
-- comes back.
create function private.keep_usage(
  p_user_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_month date := private.month_of(v_now);
  v_seconds integer := coalesce((
    select seconds from private.monthly_usage where user_id = p_user_id and month = v_month), 0);
  v_generations integer;
  v_cancels integer;
  v_refusals integer;
begin
  select
    count(*) filter (where counted_as = 'generations' and created_at > v_now - interval '1 hour'),
    count(*) filter (where counted_as = 'cancels'),
    count(*) filter (where counted_as = 'refusals')
  into v_generations, v_cancels, v_refusals
  from private.counted_entries where user_id = p_user_id and created_at > v_now - interval '1 day';
  -- Added to the usage of earlier users, as far as that still counts.
  update private.addresses set
    seconds_of_month = v_seconds + case when private.month_of(left_at) = v_month then seconds_of_month else 0 end,
    generations_of_hour = v_generations
      + case when left_at > v_now - interval '1 hour' then generations_of_hour else 0 end,
    cancels_of_day = v_cancels + case when left_at > v_now - interval '1 day' then cancels_of_day else 0 end,
    refusals_of_day = v_refusals + case when left_at > v_now - interval '1 day' then refusals_of_day else 0 end,
    left_at = v_now
  where address_hmac in (select address_hmac from private.user_addresses where user_id = p_user_id)
    and (v_seconds > 0 or v_generations > 0 or v_cancels > 0 or v_refusals > 0);
end;
$$;

revoke execute on function private.keep_usage(uuid) from public, anon, authenticated;

-- Forgets the usage of users who left, once it no longer counts, and addresses that have nothing to remember.
create function private.forget_usage()
returns void
language plpgsql
volatile
-- Runs as the owner: the service role may not change what is kept of an address.
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
