-- From a request to a charged job: idempotency, model, settings, price, limits, charge, job and stored answer at once.

create table public.idempotency_log (
  user_id uuid not null references auth.users (id) on delete cascade,
  idempotency_key text not null,
  operation_type text not null,
  request_hash text not null,
  job_id uuid not null,
  -- The answer that a replay gets, word for word.
  response_data jsonb not null,
  status_code integer not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (user_id, idempotency_key),
  constraint idempotency_key_is_bounded check (char_length(idempotency_key) between 1 and 255),
  constraint idempotency_key_expires_later check (expires_at > created_at)
);

create index idempotency_log_by_expiry on public.idempotency_log (expires_at);
create index idempotency_log_by_job on public.idempotency_log (job_id);

alter table public.idempotency_log enable row level security;
create policy "Only the service role reads keys" on public.idempotency_log
  for all to service_role using (true) with check (true);
revoke all on public.idempotency_log from anon, authenticated, service_role;
grant select, insert, update, delete on public.idempotency_log to service_role;

-- The outcome of a key that was used before and has not expired; null for a fresh one.
create function private.replay(
  p_user_id uuid,
  p_idempotency_key text,
  p_request_hash text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_key public.idempotency_log;
begin
  select * into v_key from public.idempotency_log
  where user_id = p_user_id and idempotency_key = p_idempotency_key and expires_at > v_now;
  if not found then
    return null;
  elsif v_key.request_hash is distinct from p_request_hash then
    return jsonb_build_object('outcome', 'idempotency_key_reused');
  end if;
  return jsonb_build_object(
    'outcome', 'replayed', 'status_code', v_key.status_code, 'response', v_key.response_data);
end;
$$;

revoke execute on function private.replay(uuid, text, text) from public, anon, authenticated;
grant execute on function private.replay(uuid, text, text) to service_role;

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
  v_active integer;
  v_recent integer;
  v_oldest timestamptz;
begin
  select count(*) into v_active from public.video_jobs
  where user_id = p_user_id and status in ('pending', 'processing');
  if v_active >= v_settings.active_jobs_per_user then
    return jsonb_build_object('outcome', 'too_many_active_jobs',
      'limit', v_settings.active_jobs_per_user, 'retry_after', v_settings.check_interval_max_seconds);
  end if;

  -- Counted in the ledger: deleting a video does not undo that it was made.
  select count(*), min(created_at) into v_recent, v_oldest from public.quota_log
  where user_id = p_user_id and change < 0 and job_id is not null and created_at > v_now - interval '1 hour';
  if v_recent >= v_settings.generations_per_hour then
    return jsonb_build_object('outcome', 'rate_limited', 'limit', v_settings.generations_per_hour,
      'retry_after', ceil(extract(epoch from v_oldest + interval '1 hour' - v_now))::integer);
  end if;
  return null;
end;
$$;

revoke execute on function private.limit_problem(uuid) from public, anon, authenticated;
grant execute on function private.limit_problem(uuid) to service_role;

-- Counts a new job towards its user's month, or says that it is too much; null when it is not. Call it with the balance
-- locked, as the last check.
create function private.count_usage(
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
  v_used integer := coalesce((
    select seconds from private.monthly_usage where user_id = p_user_id and month = v_month), 0);
begin
  if v_used + p_seconds > v_limit then
    return jsonb_build_object('outcome', 'monthly_quota_reached', 'limit', v_limit, 'used', v_used,
      'retry_after', ceil(extract(epoch from
        (v_month + interval '1 month') at time zone 'utc' - v_now))::integer);
  end if;
  insert into private.monthly_usage as usage (user_id, month, seconds) values (p_user_id, v_month, p_seconds)
  on conflict (user_id, month) do update set seconds = usage.seconds + excluded.seconds;
  return null;
end;
$$;

revoke execute on function private.count_usage(uuid, integer) from public, anon, authenticated;
grant execute on function private.count_usage(uuid, integer) to service_role;

-- The length that settings ask for, in whole seconds: the duration, or the frames of a model that counts those.
create function private.seconds_of(
  p_settings jsonb
)
returns integer
language sql
immutable
security invoker
set search_path = ''
as $$
  select ceil(coalesce(
    (p_settings ->> 'duration')::numeric,
    -- 16 a second is what the models that take frames make (Wan) where the settings do not say.
    (p_settings ->> 'num_frames')::numeric / coalesce((p_settings ->> 'fps')::numeric, 16),
    0))::integer;
$$;

revoke execute on function private.seconds_of(jsonb) from public, anon, authenticated;
grant execute on function private.seconds_of(jsonb) to service_role;

-- Checks the settings and the image against the model: { settings, issues }.
create function private.resolve_request(
  p_model public.models,
  p_settings jsonb,
  p_has_image boolean
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = ''
as $$
declare
  v_resolved jsonb := private.resolve_settings(p_model.settings_schema, p_settings);
  v_image jsonb := p_model.settings_schema -> 'image_url';
  v_problem text;
begin
  if p_has_image and v_image is null then
    v_problem := 'not taken by this model, which makes videos from text alone';
  elsif not p_has_image and (v_image ->> 'required')::boolean then
    v_problem := 'required by this model: the https address of an image, or image_path, a file from POST /uploads';
  end if;
  if v_problem is not null then
    v_resolved := jsonb_set(v_resolved, '{issues}', v_resolved -> 'issues'
      || jsonb_build_object('path', 'image_url', 'message', v_problem));
  end if;
  return v_resolved;
end;
$$;

revoke execute on function private.resolve_request(public.models, jsonb, boolean) from public, anon, authenticated;
grant execute on function private.resolve_request(public.models, jsonb, boolean) to service_role;

-- Writes a charged job's two rows, with its first attempt opened: the caller is about to submit it.
create function private.insert_job(
  p_job_id uuid,
  p_user_id uuid,
  p_model public.models,
  p_prompt text,
  p_settings jsonb,
  p_image_url text,
  p_image_path text,
  p_node_id text,
  p_credits integer,
  p_lease_seconds integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_job public.video_jobs;
  v_work private.job_work;
begin
  insert into public.video_jobs (
    job_id, user_id, model_id, prompt, settings, image_url, image_path, node_id, seconds,
    credits_used, created_at, updated_at)
  values (
    p_job_id, p_user_id, p_model.id, p_prompt, p_settings, p_image_url, p_image_path, p_node_id,
    private.seconds_of(p_settings), p_credits, v_now, v_now)
  returning * into v_job;

  insert into private.job_work (
    job_id, steps, attempt, attempts_of_step, submitted_at, next_check_at, lease_until, deadline_at)
  select
    p_job_id,
    jsonb_build_array(jsonb_build_object(
      'name', 'generate', 'provider', p_model.provider, 'model', p_model.provider_model_id, 'produces', 'video_url',
      'input', private.provider_input(p_model.settings_schema, p_prompt,
        case when p_image_path is null then to_jsonb(p_image_url)
          else jsonb_build_object('input_file', p_image_path) end, p_settings))),
    1, 1, v_now,
    v_now + make_interval(secs => unknown_submission_seconds),
    v_now + make_interval(secs => p_lease_seconds),
    v_now + make_interval(secs => p_model.start_within_seconds + p_model.max_run_seconds)
  from public.app_settings
  returning * into v_work;

  return private.work_json(v_job, v_work, true);
end;
$$;

revoke execute on function private.insert_job(uuid, uuid, public.models, text, jsonb, text, text, text, integer, integer)
  from public, anon, authenticated;
grant execute on function private.insert_job(uuid, uuid, public.models, text, jsonb, text, text, text, integer, integer)
  to service_role;

-- Starts a generation, or says why not: { outcome, … }. Only the outcome `created` changes anything.
create function public.start_generation(
  p_user_id uuid,
  p_idempotency_key text,
  p_request_hash text,
  p_model_id uuid,
  p_prompt text,
  p_settings jsonb default '{}',
  p_image_url text default null,
  p_node_id text default null,
  p_lease_seconds integer default 60,
  p_image_path text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_job_id uuid := gen_random_uuid();
  v_outcome jsonb := private.replay(p_user_id, p_idempotency_key, p_request_hash);
  v_model public.models;
  v_resolved jsonb;
  v_balance integer;
  v_price integer;
  v_now timestamptz;
  v_charge jsonb;
  v_response jsonb;
begin
  if v_outcome is not null then
    return v_outcome;
  end if;

  perform private.begin_change(p_user_id);
  -- All of a user's requests pass here one at a time: a concurrent duplicate waits, then replays.
  select credits_remaining into v_balance from public.credit_balances where user_id = p_user_id for update;
  if not found then
    return jsonb_build_object('outcome', 'user_not_found');
  end if;
  v_outcome := private.replay(p_user_id, p_idempotency_key, p_request_hash);
  if v_outcome is not null then
    return v_outcome;
  end if;

  select * into v_model from public.models where id = p_model_id and is_available;
  if not found then
    return jsonb_build_object('outcome', 'model_not_found');
  end if;
  v_resolved := private.resolve_request(v_model, p_settings, coalesce(p_image_url, p_image_path) is not null);
  if v_resolved -> 'issues' <> '[]' then
    return jsonb_build_object('outcome', 'validation_failed', 'issues', v_resolved -> 'issues');
  end if;
  v_price := private.price(v_model, v_resolved -> 'settings');
  if v_balance < v_price then
    return jsonb_build_object(
      'outcome', 'insufficient_credits', 'current_credits', v_balance, 'required_credits', v_price);
  end if;
  v_outcome := private.limit_problem(p_user_id);
  if v_outcome is not null then
    return v_outcome;
  end if;

  v_outcome := private.circuit_problem(v_model.provider);
  if v_outcome is not null then
    return v_outcome;
  end if;

  -- After it, since what is counted here is given back only when the job fails.
  v_outcome := private.count_usage(p_user_id, private.seconds_of(v_resolved -> 'settings'));
  if v_outcome is not null then
    return v_outcome;
  end if;

  v_outcome := private.insert_job(v_job_id, p_user_id, v_model, p_prompt, v_resolved -> 'settings', p_image_url,
    p_image_path, p_node_id, v_price, p_lease_seconds);
  v_charge := public.deduct_credits(p_user_id, v_price, 'video_generation', v_job_id);
  if not (v_charge ->> 'success')::boolean then
    raise exception 'The balance changed under its lock: %', v_charge;
  end if;
  v_now := private.clock();
  v_response := jsonb_build_object('job_id', v_job_id, 'status', 'pending', 'credits_used', v_price,
    'credits_remaining', v_charge -> 'credits_remaining');

  -- A row that is there has expired, or the replay above had found it.
  insert into public.idempotency_log as used
    (user_id, idempotency_key, operation_type, request_hash, job_id, response_data, status_code, created_at, expires_at)
  select p_user_id, p_idempotency_key, 'video_generation', p_request_hash, v_job_id, v_response, 200, v_now,
    v_now + make_interval(hours => idempotency_hours)
  from public.app_settings
  on conflict (user_id, idempotency_key) do update set
    operation_type = excluded.operation_type, request_hash = excluded.request_hash, job_id = excluded.job_id,
    response_data = excluded.response_data, status_code = excluded.status_code,
    created_at = excluded.created_at, expires_at = excluded.expires_at
  where used.expires_at <= v_now;
  if not found then
    raise exception 'Idempotency key was taken meanwhile' using errcode = 'serialization_failure';
  end if;

  return jsonb_build_object('outcome', 'created', 'response', v_response, 'work', v_outcome);
end;
$$;

revoke execute on function public.start_generation(uuid, text, text, uuid, text, jsonb, text, text, integer, text)
  from public, anon, authenticated;
grant execute on function public.start_generation(uuid, text, text, uuid, text, jsonb, text, text, integer, text)
  to service_role;
