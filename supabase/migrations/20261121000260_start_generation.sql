-- From a request to a charged job, in one transaction: key, model, settings, price, limits, charge, job and stored
-- answer.

-- Returns why a user cannot start a job now; null when the user can. Call it with the balance locked.
create function private.start_problem(
  p_job public.video_jobs,
  p_steps jsonb,
  p_balance bigint,
  p_max_credits integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_job.credits_used > p_max_credits then
    return jsonb_build_object('outcome', 'price_changed', 'required_credits', p_job.credits_used);
  end if;
  if p_balance < p_job.credits_used then
    return jsonb_build_object('outcome', 'insufficient_credits', 'current_credits', p_balance,
      'required_credits', p_job.credits_used);
  end if;
  return coalesce(
    private.limit_problem(p_job.user_id),
    private.quota_problem(p_job.user_id, p_job.seconds),
    case when num_nonnulls(p_job.image_path, p_job.tail_image_path) > 0
      then private.input_problem(p_job.user_id, array[p_job.image_path, p_job.tail_image_path]) end,
    -- Last, because it may take the one probe of a circuit: a request that is refused otherwise must not take it.
    private.circuits_problem(p_steps, p_job.job_id));
end;
$$;

revoke execute on function private.start_problem(public.video_jobs, jsonb, bigint, integer)
  from public, anon, authenticated;
grant execute on function private.start_problem(public.video_jobs, jsonb, bigint, integer) to service_role;

-- Writes a job's two rows with the first attempt opened, because the caller submits it next; charges it, and stores the
-- answer for its key. `p_job` has the request and its price. Call it with the balance locked.
create function private.create_charged_job(
  p_job public.video_jobs,
  p_steps jsonb,
  p_start_within_seconds integer,
  p_lease_seconds integer,
  p_idempotency_key text,
  p_request_hash text,
  p_key_seconds integer
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_deadline timestamptz := v_now + make_interval(secs => private.longest_seconds(p_steps, 0) + p_start_within_seconds);
  v_job public.video_jobs;
  v_queued private.job_queue;
  v_charge jsonb;
  v_response jsonb;
  v_since timestamptz;
begin
  perform private.count_usage(p_job.user_id, p_job.seconds);
  insert into public.video_jobs (
    job_id, user_id, model_id, kind, prompt, settings, image_url, image_path, tail_image_url, tail_image_path, node_id,
    provider, files_are_public, seconds, steps, step_names, credits_used, created_at, updated_at)
  values (
    p_job.job_id, p_job.user_id, p_job.model_id, p_job.kind, p_job.prompt, p_job.settings, p_job.image_url,
    p_job.image_path, p_job.tail_image_url, p_job.tail_image_path, p_job.node_id, private.provider_json(p_steps -> 0),
    p_job.files_are_public, p_job.seconds,
    jsonb_array_length(p_steps), array(select step ->> 'name' from jsonb_array_elements(p_steps) as step),
    p_job.credits_used, v_now, v_now)
  returning * into v_job;
  insert into private.job_queue (
    job_id, steps, attempt, attempts_of_step, submitted_at, next_check_at, lease_until, deadline_at, step_deadline_at)
  select
    p_job.job_id, private.with_run_times(p_steps), 1, 1, v_now,
    v_now + make_interval(secs => unknown_submission_seconds),
    v_now + make_interval(secs => p_lease_seconds),
    v_deadline, private.step_deadline(p_steps -> 0, v_deadline)
  from public.app_settings
  returning * into v_queued;

  v_charge := public.deduct_credits(p_job.user_id, p_job.credits_used, 'video_generation', p_job.job_id);
  if not (v_charge ->> 'success')::boolean then
    raise exception 'The balance changed under its lock: %', v_charge;
  end if;
  v_response := jsonb_build_object('job_id', p_job.job_id, 'status', 'pending', 'credits_used', p_job.credits_used,
    'credits_remaining', v_charge -> 'credits_remaining');
  v_since := private.store_answer(
    p_job.user_id, p_idempotency_key, 'video_' || p_job.kind, p_request_hash, p_job.job_id, v_response,
    p_key_seconds);
  return jsonb_build_object('outcome', 'created', 'response', v_response, 'since', v_since,
    'leased_job', private.leased_job_json(v_job, v_queued, true), 'video', private.new_video_json(v_job));
end;
$$;

revoke execute on function private.create_charged_job(public.video_jobs, jsonb, integer, integer, text, text, integer)
  from public, anon, authenticated;
grant execute on function private.create_charged_job(public.video_jobs, jsonb, integer, integer, text, text, integer)
  to service_role;

-- Starts a generation or a transition, or returns why not: { outcome, … }. Only the outcome `created` changes anything.
-- `p_request` is { kind, model_id or model_name, prompt, settings, image_url, image_path, tail_image_url,
-- tail_image_path, node_id, needs_node, max_credits, functions_url }; with needs_node, node_id must be a node of a project;
-- max_credits is the most that the user agreed to pay; functions_url is the address of the functions as they know it.
-- `p_sibling_keys` are the keys of its batch, `p_batch_since` is the `since` of the batch's items before.
-- `p_key_seconds` is how long the key is bound, if not as long as app_settings says.
create function public.start_generation(
  p_user_id uuid,
  p_idempotency_key text,
  p_request_hash text,
  p_request jsonb,
  p_sibling_keys text[] default '{}',
  p_lease_seconds integer default 60,
  p_key_seconds integer default null,
  p_batch_since timestamptz default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
-- Most calls are on a connection that has seen few of them, and the plan for any arguments is the plan for these.
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_outcome jsonb;
  v_balance bigint;
  v_job public.video_jobs;
  v_node_id uuid;
  v_is_allowed boolean;
  v_model public.models;
  v_resolved jsonb;
  v_steps jsonb;
begin
  perform private.lock_user_shared(p_user_id);
  -- A user's requests pass here one at a time: a concurrent duplicate waits, then gets the stored answer.
  select credits_remaining into v_balance from public.credit_balances where user_id = p_user_id for update;
  if not found then
    perform private.require_account(p_user_id);
  end if;
  v_outcome := private.find_answer(p_user_id, p_idempotency_key, p_request_hash, p_sibling_keys, p_batch_since);
  if v_outcome is not null then
    return v_outcome;
  end if;

  v_job := private.requested_job(p_user_id, p_request);
  if v_job.node_id is not null or (p_request ->> 'needs_node')::boolean then
    select node_id, is_allowed into v_node_id, v_is_allowed from private.requested_node(
      p_user_id, v_job.node_id, coalesce((p_request ->> 'needs_node')::boolean, false));
    if not v_is_allowed then
      return jsonb_build_object('outcome', 'node_not_found');
    end if;
  end if;
  v_model := private.find_model(v_job);
  if v_model.id is null then
    return jsonb_build_object('outcome', 'model_not_found');
  end if;
  v_resolved := private.resolve_request(v_model, v_job.settings, coalesce(v_job.image_url, v_job.image_path) is not null,
    coalesce(v_job.tail_image_url, v_job.tail_image_path) is not null);
  if v_resolved -> 'issues' <> '[]' then
    return jsonb_build_object('outcome', 'validation_failed', 'issues', v_resolved -> 'issues');
  end if;

  v_job.model_id := v_model.id;
  v_job.files_are_public := v_model.files_are_public;
  v_job.settings := v_resolved -> 'settings';
  v_job.seconds := private.seconds_of(v_job.settings);
  v_steps := private.build_steps(v_model, v_job.prompt, private.image_input(v_job.image_url, v_job.image_path),
    private.image_input(v_job.tail_image_url, v_job.tail_image_path), v_job.settings);
  v_job.credits_used := private.price_of(v_steps);

  v_outcome := private.start_problem(v_job, v_steps, v_balance, (p_request ->> 'max_credits')::integer);
  if v_outcome is not null then
    return v_outcome;
  end if;
  if v_node_id is not null then
    perform private.begin_node_job(v_node_id, v_job.job_id, p_request ->> 'functions_url');
  end if;
  v_outcome := private.create_charged_job(v_job, v_steps, v_model.start_within_seconds, p_lease_seconds,
    p_idempotency_key, p_request_hash, p_key_seconds);
  if cardinality(p_sibling_keys) > 0 then
    v_outcome := v_outcome || jsonb_build_object(
      'since', private.join_batch(p_user_id, p_idempotency_key, p_sibling_keys, p_batch_since));
  end if;
  return v_outcome;
end;
$$;

revoke execute on function public.start_generation(uuid, text, text, jsonb, text[], integer, integer, timestamptz)
  from public, anon, authenticated;
grant execute on function public.start_generation(uuid, text, text, jsonb, text[], integer, integer, timestamptz)
  to service_role;
