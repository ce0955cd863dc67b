-- A provider that is down takes no more of our users' money.

-- One row for each provider that has failed lately. No row: all is well.
create table private.provider_circuits (
  provider text primary key,
  -- Submissions in a row that failed for a reason that is not the request's.
  failures integer not null,
  -- Until when new requests are refused; afterwards one at a time may try.
  open_until timestamptz,
  constraint circuit_failures_are_counted check (failures > 0)
);

alter table private.provider_circuits enable row level security;
create policy "Only the service role works circuits" on private.provider_circuits
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.provider_circuits to service_role;

-- Counts a failure of a provider, and opens its circuit after enough of them in a row, or at once when our account there
-- is refused. True when this failure opened it, which the caller tells the operator.
create function public.record_provider_failure(
  p_provider text,
  p_account_refused boolean default false
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_settings public.app_settings := (select app_settings from public.app_settings);
  v_circuit private.provider_circuits;
  v_was_open boolean;
begin
  insert into private.provider_circuits as circuits (provider, failures) values (p_provider, 1)
  on conflict (provider) do update set failures = circuits.failures + 1
  returning * into v_circuit;
  v_was_open := v_circuit.open_until is not null;
  if not (p_account_refused or v_was_open or v_circuit.failures >= v_settings.circuit_failures) then
    return false;
  end if;
  -- A probe that failed, or one more of those that were under way: closed for as long again.
  update private.provider_circuits
  set open_until = v_now + make_interval(secs => v_settings.circuit_open_seconds)
  where provider = p_provider;
  return not v_was_open;
end;
$$;

revoke execute on function public.record_provider_failure(text, boolean) from public, anon, authenticated;
grant execute on function public.record_provider_failure(text, boolean) to service_role;

-- Closes a provider's circuit: it took a submission. True when it was open.
create function private.close_circuit(
  p_provider text
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_open_until timestamptz;
begin
  -- Nearly always there is no row, and then nothing is locked.
  delete from private.provider_circuits where provider = p_provider returning open_until into v_open_until;
  return v_open_until is not null;
end;
$$;

revoke execute on function private.close_circuit(text) from public, anon, authenticated;
grant execute on function private.close_circuit(text) to service_role;

-- Refuses a request for a provider whose circuit is open; null where it may pass. Once the time is over the first to ask
-- passes as the probe, and the others wait for what becomes of it.
create function private.circuit_problem(
  p_provider text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_open_until timestamptz;
begin
  select open_until into v_open_until from private.provider_circuits where provider = p_provider;
  if v_open_until is null then
    return null;
  end if;
  update private.provider_circuits
  set open_until = v_now + make_interval(secs => (select circuit_open_seconds from public.app_settings))
  where provider = p_provider and open_until <= v_now;
  if found then
    return null;
  end if;
  return jsonb_build_object('outcome', 'provider_unavailable',
    'retry_after', greatest(1, ceil(extract(epoch from v_open_until - v_now)))::integer);
end;
$$;

revoke execute on function private.circuit_problem(text) from public, anon, authenticated;
grant execute on function private.circuit_problem(text) to service_role;
