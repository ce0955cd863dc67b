-- What everything else stands on: a schema that the Data API never shows, and the clock.

create schema private;
comment on schema private is 'Internals of Reelmint. Not exposed by the Data API.';
revoke all on schema private from public;
-- anon and authenticated call quote_generation, which reads the pricing functions in here; nothing else is granted to them.
grant usage on schema private to anon, authenticated, service_role;

-- The one source of time for every decision about jobs and keys; tests replace it to travel in time. It is volatile, so
-- a condition compares with it through a variable or `(select private.clock())`: otherwise no index serves.
create function private.clock()
returns timestamptz
language sql
volatile
security invoker
set search_path = ''
as $$
  -- Not now(): a transaction that waited for a lock must not write an older time than the one it waited for.
  select clock_timestamp();
$$;

revoke execute on function private.clock() from public, anon, authenticated;
grant execute on function private.clock() to service_role;

-- ISO 8601 in UTC with whole seconds: Swift's own decoder refuses fractions.
create function private.iso_time(
  p_time timestamptz
)
returns text
language sql
stable
security invoker
set search_path = ''
as $$
  select to_char(p_time at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
$$;

revoke execute on function private.iso_time(timestamptz) from public, anon, authenticated;
grant execute on function private.iso_time(timestamptz) to service_role;
