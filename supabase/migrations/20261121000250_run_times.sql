-- How long runs really take: the progress of later runs is estimated from it, because most providers report none.

create table private.run_times (
  provider text not null,
  model text not null,
  -- Average time from the end of the wait to the end of the run; the newest run counts one fifth. The first value is
  -- that of the model's row.
  seconds numeric not null,
  primary key (provider, model),
  constraint run_time_is_positive check (seconds > 0)
);

alter table private.run_times enable row level security;
create policy "Only the service role learns run times" on private.run_times
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.run_times to service_role;

-- Records how long a run of a step took. An outlier moves the average by at most one fifth.
create function private.learn_run_time(
  p_step jsonb,
  p_seconds numeric
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into private.run_times (provider, model, seconds)
  values (p_step ->> 'provider', p_step ->> 'model', (p_step ->> 'typical_seconds')::numeric)
  on conflict do nothing;
  -- If another transaction has the row, this value is skipped: no job waits for an average.
  update private.run_times set seconds = greatest(1, 0.8 * seconds + 0.2 * least(2 * seconds, p_seconds))
  where ctid = any (array(
    select ctid from private.run_times
    where provider = p_step ->> 'provider' and model = p_step ->> 'model' for update skip locked));
end;
$$;

revoke execute on function private.learn_run_time(jsonb, numeric) from public, anon, authenticated;
grant execute on function private.learn_run_time(jsonb, numeric) to service_role;

-- Returns the steps with the learnt times as their typical times, where there are any.
create function private.with_run_times(
  p_steps jsonb
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_seconds integer;
begin
  for v_place in 0 .. jsonb_array_length(p_steps) - 1 loop
    select ceil(seconds)::integer into v_seconds from private.run_times
    where provider = p_steps -> v_place ->> 'provider' and model = p_steps -> v_place ->> 'model';
    if found then
      p_steps := jsonb_set(p_steps, array[v_place::text, 'typical_seconds'], to_jsonb(v_seconds));
    end if;
  end loop;
  return p_steps;
end;
$$;

revoke execute on function private.with_run_times(jsonb) from public, anon, authenticated;
grant execute on function private.with_run_times(jsonb) to service_role;

-- Estimates how much of a run is done, in percent: evenly up to its typical time, then ever slower and never 90,
-- because a bar that waits at 99 misleads.
create function private.estimated_percent(
  p_seconds numeric,
  p_typical_seconds numeric
)
returns numeric
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return 80 * least(1, p_seconds / p_typical_seconds) + 10 * (1 - 1 / greatest(1, p_seconds / p_typical_seconds));
end;
$$;

revoke execute on function private.estimated_percent(numeric, numeric) from public, anon, authenticated;
grant execute on function private.estimated_percent(numeric, numeric) to service_role;
