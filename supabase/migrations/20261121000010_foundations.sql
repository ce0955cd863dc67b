-- The schema of internals, which the Data API does not show, and the clock.

create schema private;
comment on schema private is 'Internals of Reelmint. Not exposed by the Data API.';
revoke all on schema private from public;
-- anon and authenticated call quote_generation, which calls the pricing functions here. Nothing else is granted to
-- them.
grant usage on schema private to anon, authenticated, service_role;

-- The only source of time for decisions about jobs and keys; tests replace it to travel in time. It is volatile:
-- compare a column with a variable or with `(select private.clock())`, otherwise the query uses no index.
create function private.clock()
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- Not now(): a transaction that waited for a lock must not write an earlier time than the transaction before it.
  return clock_timestamp();
end;
$$;

revoke execute on function private.clock() from public, anon, authenticated;
grant execute on function private.clock() to service_role;

-- ISO 8601 in UTC with whole seconds: Swift's own decoder refuses fractions of a second.
create function private.iso_time(
  p_time timestamptz
)
returns text
language plpgsql
stable strict
security invoker
set search_path = ''
as $$
begin
  return to_char(p_time at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
end;
$$;

revoke execute on function private.iso_time(timestamptz) from public, anon, authenticated;
grant execute on function private.iso_time(timestamptz) to service_role;
