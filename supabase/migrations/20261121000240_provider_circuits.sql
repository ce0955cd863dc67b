-- Circuits: while a provider is down, no user is charged for a job that it would make.

-- One row per provider that failed lately. No row: the provider works.
create table private.provider_circuits (
  provider text primary key,
  -- Submissions in a row that failed for a reason other than the request.
  failures integer not null,
  -- Until when new requests are refused; afterwards one at a time may try. Null: the circuit is closed.
  open_until timestamptz,
  -- The probe: the job that tries now, and how long other requests wait for its result.
  probe_job_id uuid,
  probe_until timestamptz,
  constraint circuit_failures_are_counted check (failures > 0),
  constraint only_an_open_circuit_is_probed check (
    (probe_job_id is null) = (probe_until is null) and (probe_until is null or open_until is not null))
);

alter table private.provider_circuits enable row level security;
create policy "Only the service role keeps circuits" on private.provider_circuits
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.provider_circuits to service_role;

-- Counts a failure of a provider, and opens its circuit after enough failures in a row, or at once if the provider
-- refuses our account. Returns whether this failure opened it.
create function private.count_provider_failure(
  p_provider text,
  p_account_refused boolean
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
  -- A failed probe, or a failure of a submission that was under way, keeps the circuit open for the same time again.
  update private.provider_circuits set
    open_until = v_now + make_interval(secs => v_settings.circuit_open_seconds), probe_job_id = null, probe_until = null
  where provider = p_provider;
  return not v_was_open;
end;
$$;

revoke execute on function private.count_provider_failure(text, boolean) from public, anon, authenticated;
grant execute on function private.count_provider_failure(text, boolean) to service_role;

-- Closes a provider's circuit and forgets its failures, because the provider answers.
create function private.close_circuit(
  p_provider text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  -- Usually there is no row, and nothing is locked.
  delete from private.provider_circuits where provider = p_provider;
end;
$$;

revoke execute on function private.close_circuit(text) from public, anon, authenticated;
grant execute on function private.close_circuit(text) to service_role;

-- Records what a submission showed about its provider: `answered`, with any answer; `failed`; `account_refused`; or
-- `not_sent`, which frees the probe. Returns whether this opened the circuit; the caller then alerts the operator.
create function public.record_provider_answer(
  p_provider text,
  p_answer text,
  p_job_id uuid
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  case p_answer
    when 'answered' then
      perform private.close_circuit(p_provider);
    when 'failed' then
      return private.count_provider_failure(p_provider, false);
    when 'account_refused' then
      return private.count_provider_failure(p_provider, true);
    when 'not_sent' then
      update private.provider_circuits set probe_job_id = null, probe_until = null
      where provider = p_provider and probe_job_id = p_job_id;
  end case;
  return false;
end;
$$;

revoke execute on function public.record_provider_answer(text, text, uuid) from public, anon, authenticated;
grant execute on function public.record_provider_answer(text, text, uuid) to service_role;

-- Whether a circuit's probe is still under way. It ends with its job: a job that was cancelled or failed before its
-- turn has no result.
create function private.is_probed(
  p_circuit private.provider_circuits
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return coalesce(p_circuit.probe_until > (select private.clock()), false) and exists (
    select from public.video_jobs where job_id = p_circuit.probe_job_id and completed_at is null);
end;
$$;

revoke execute on function private.is_probed(private.provider_circuits) from public, anon, authenticated;
grant execute on function private.is_probed(private.provider_circuits) to service_role;

-- Refuses a request for a provider whose circuit is open; null where it may pass. When the time is over, the first
-- request passes as the probe, and the others wait for its result. Call it last: a request that passed must be
-- submitted.
create function private.circuit_problem(
  p_provider text,
  p_job_id uuid
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_circuit private.provider_circuits;
begin
  select * into v_circuit from private.provider_circuits where provider = p_provider;
  if v_circuit.open_until <= v_now then
    -- Only one of the requests that come now becomes the probe; the others see its job.
    select * into v_circuit from private.provider_circuits where provider = p_provider for update;
    if v_circuit.open_until <= v_now and not private.is_probed(v_circuit) then
      update private.provider_circuits set
        probe_job_id = p_job_id,
        probe_until = v_now + make_interval(secs => (select circuit_open_seconds from public.app_settings))
      where provider = p_provider;
      return null;
    end if;
  end if;
  if v_circuit.open_until is null then
    return null;
  end if;
  return jsonb_build_object('outcome', 'provider_unavailable', 'retry_after',
    greatest(1, ceil(extract(epoch from greatest(v_circuit.open_until, v_circuit.probe_until) - v_now)))::integer);
end;
$$;

revoke execute on function private.circuit_problem(text, uuid) from public, anon, authenticated;
grant execute on function private.circuit_problem(text, uuid) to service_role;

-- Refuses a job while a provider of its steps is down; null where it may start. The steps that its video may be delivered
-- without do not count. Each circuit is asked as by circuit_problem: a step after the run of the model would fail when
-- that run is paid for.
create function private.circuits_problem(
  p_steps jsonb,
  p_job_id uuid
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_provider text;
  v_problem jsonb;
begin
  -- In one order, so that two requests never deadlock. A probe of a job that the next circuit refuses is given back,
  -- because there is no such job.
  for v_provider in
    select provider from private.provider_circuits
    where open_until is not null and provider in (
      select step ->> 'provider' from jsonb_array_elements(p_steps) as step where not (step ->> 'optional')::boolean)
    order by provider
  loop
    v_problem := private.circuit_problem(v_provider, p_job_id);
    if v_problem is not null then
      return v_problem;
    end if;
  end loop;
  return null;
end;
$$;

revoke execute on function private.circuits_problem(jsonb, uuid) from public, anon, authenticated;
grant execute on function private.circuits_problem(jsonb, uuid) to service_role;
