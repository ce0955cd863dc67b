-- Alerts for the operator: the log's lines of level `alert`, as rows, because hosted logs drop lines when there are
-- many.

create table public.alerts (
  id bigint generated always as identity primary key,
  event text not null,
  -- What it is about: the same event about the same subject within an hour is one row with a count.
  subject text not null,
  -- Those of the first one.
  fields jsonb not null,
  times integer not null default 1,
  -- The hour that is counted, and the first and last time.
  hour timestamptz not null,
  created_at timestamptz not null,
  last_at timestamptz not null,
  constraint an_hour_has_one_alert_of_a_kind unique (hour, event, subject),
  constraint alert_event_is_short check (char_length(event) between 1 and 100),
  constraint alert_fields_are_bounded check (jsonb_typeof(fields) = 'object' and octet_length(fields::text) <= 8192),
  constraint alert_times_are_counted check (times > 0)
);

alter table public.alerts enable row level security;
create policy "Only the service role reads and writes alerts" on public.alerts
  for all to service_role using (true) with check (true);
revoke all on public.alerts from anon, authenticated, service_role;
revoke all on sequence public.alerts_id_seq from anon, authenticated, service_role;
grant select, insert, update, delete on public.alerts to service_role;

-- Writes the alerts of one request, [{ event, fields }].
create function public.record_alerts(
  p_alerts jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  insert into public.alerts as known (event, subject, fields, times, hour, created_at, last_at)
  select event, subject, (array_agg(fields order by place))[1], count(*), date_trunc('hour', v_now), v_now, v_now
  from (
    select place, alert ->> 'event' as event,
      concat_ws(' ', fields ->> 'job_id', fields ->> 'provider', fields ->> 'user_id', fields ->> 'problem') as subject,
      -- Too large to keep here: the log has the whole line.
      case when octet_length(fields::text) <= 8192 then fields else '{"dropped": "too large"}' end as fields
    from jsonb_array_elements(p_alerts) with ordinality as alerts (alert, place),
      lateral (select coalesce(alert -> 'fields', '{}')) as given (fields)
  ) as alerts
  group by event, subject
  -- In one order, so that two calls never deadlock.
  order by event, subject
  on conflict (hour, event, subject) do update set times = known.times + excluded.times, last_at = excluded.last_at;
end;
$$;

revoke execute on function public.record_alerts(jsonb) from public, anon, authenticated;
grant execute on function public.record_alerts(jsonb) to service_role;

-- Deletes up to p_limit alerts older than 90 days, the oldest first. Returns their number.
create function public.purge_alerts(
  p_limit integer
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_before timestamptz := private.clock() - interval '90 days';
  v_deleted integer;
begin
  delete from public.alerts where ctid = any (array(
    select ctid from public.alerts where hour < v_before order by hour limit p_limit));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end;
$$;

revoke execute on function public.purge_alerts(integer) from public, anon, authenticated;
grant execute on function public.purge_alerts(integer) to service_role;
