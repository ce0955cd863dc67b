-- Jobs that fail for what they were given when a part of them is made already, such as a last image that nobody can open:
-- each is refunded in full, and what was made is billed to us. So a user gets only so many of them a day.

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
