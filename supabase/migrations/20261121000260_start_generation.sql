-- From a request to a charged job: idempotency, model, settings, price, limits, charge, job and stored answer at once.

-- Says why an image of a request does not fit a model; null when it does.
create function private.image_problem(
  p_spec jsonb,
  p_is_given boolean,
  p_demand text
)
returns text
language sql
immutable
security invoker
set search_path = ''
as $$
  select case
    when p_is_given and p_spec is null then 'not taken by this model'
    when not p_is_given and (p_spec ->> 'required')::boolean then p_demand end;
$$;

revoke execute on function private.image_problem(jsonb, boolean, text) from public, anon, authenticated;
grant execute on function private.image_problem(jsonb, boolean, text) to service_role;

-- Checks the settings and the images against the model, and the extras against what there is: { settings, issues }.
create function private.resolve_request(
  p_model public.models,
  p_settings jsonb,
  p_has_image boolean,
  p_has_tail_image boolean default false
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
declare
  v_schema jsonb := p_model.settings_schema;
  v_resolved jsonb := private.resolve_settings(v_schema, p_settings);
  v_issues jsonb;
begin
  select jsonb_agg(jsonb_build_object('path', path, 'message', message)) into v_issues
  from (
    select 'image_url' as path, private.image_problem(v_schema -> 'image_url', p_has_image,
      'required by this model: the https address of an image, or image_path, a file from POST /uploads') as message
    union all
    select 'tail_image', private.image_problem(v_schema -> 'tail_image_url', p_has_tail_image,
      'required by this model: use POST /transitions/create-and-generate/')
  ) as problems
  where message is not null;
  return jsonb_set(v_resolved, '{issues}', v_resolved -> 'issues' || coalesce(v_issues, '[]')
    || private.unavailable_extras(v_resolved -> 'settings'));
end;
$$;

revoke execute on function private.resolve_request(public.models, jsonb, boolean, boolean)
  from public, anon, authenticated;
grant execute on function private.resolve_request(public.models, jsonb, boolean, boolean) to service_role;

-- An image as a step's input: its address, or the file of the user's own folder.
create function private.image_input(
  p_url text,
  p_path text
)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select coalesce(to_jsonb(p_url), jsonb_build_object('input_file', p_path)) where coalesce(p_url, p_path) is not null;
$$;

revoke execute on function private.image_input(text, text) from public, anon, authenticated;
grant execute on function private.image_input(text, text) to service_role;

-- Writes a charged job's two rows, with its first attempt opened: the caller is about to submit it. `p_job` has what was
-- asked for.
create function private.insert_job(
  p_job public.video_jobs,
  p_steps jsonb,
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
  v_deadline timestamptz;
  v_job public.video_jobs;
  v_queued private.job_queue;
begin
  insert into public.video_jobs (
    job_id, user_id, model_id, kind, prompt, settings, image_url, image_path, tail_image_url, tail_image_path, node_id,
    provider, files_are_public, seconds, steps, step_names, credits_used, created_at, updated_at)
  values (
    p_job.job_id, p_job.user_id, p_job.model_id, p_job.kind, p_job.prompt, p_job.settings, p_job.image_url,
    p_job.image_path, p_job.tail_image_url, p_job.tail_image_path, p_job.node_id, private.provider_json(p_steps -> 0),
    p_job.files_are_public, private.seconds_of(p_job.settings),
    jsonb_array_length(p_steps), array(select step ->> 'name' from jsonb_array_elements(p_steps) as step),
    private.price_of(p_steps), v_now, v_now)
  returning * into v_job;

  select v_now + make_interval(secs => start_within_seconds + (
    select sum((step ->> case when (step ->> 'optional')::boolean then 'patience_seconds' else 'max_run_seconds' end)
      ::integer) from jsonb_array_elements(p_steps) as step)) into v_deadline
  from public.models where models.id = p_job.model_id;

  insert into private.job_queue (
    job_id, steps, attempt, attempts_of_step, submitted_at, next_check_at, lease_until, deadline_at, step_deadline_at)
  select
    p_job.job_id, private.with_run_times(p_steps), 1, 1, v_now,
    v_now + make_interval(secs => unknown_submission_seconds),
    v_now + make_interval(secs => p_lease_seconds),
    v_deadline, private.step_deadline(p_steps -> 0, v_deadline)
  from public.app_settings
  returning * into v_queued;

  return private.leased_job_json(v_job, v_queued, true);
end;
$$;

revoke execute on function private.insert_job(public.video_jobs, jsonb, integer) from public, anon, authenticated;
grant execute on function private.insert_job(public.video_jobs, jsonb, integer) to service_role;

-- Starts a generation or a transition, or says why not: { outcome, … }. Only the outcome `created` changes anything.
-- A transition that names no model gets the featured one. `p_sibling_keys` are those of the batch that it is one of,
-- `p_max_credits` is the most that the caller agreed to pay.
create function public.start_generation(
  p_user_id uuid,
  p_idempotency_key text,
  p_request_hash text,
  p_prompt text,
  p_model_id uuid default null,
  p_settings jsonb default '{}',
  p_image_url text default null,
  p_node_id text default null,
  p_lease_seconds integer default 60,
  p_image_path text default null,
  p_kind text default 'generation',
  p_tail_image_url text default null,
  p_tail_image_path text default null,
  p_sibling_keys text[] default '{}',
  p_max_credits integer default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_job public.video_jobs;
  v_outcome jsonb := private.find_answer(p_user_id, p_idempotency_key, p_request_hash, p_sibling_keys);
  v_model public.models;
  v_resolved jsonb;
  v_steps jsonb;
  v_balance bigint;
  v_price integer;
  v_charge jsonb;
  v_response jsonb;
begin
  if v_outcome is not null then
    return v_outcome;
  end if;

  perform private.lock_user_shared(p_user_id);
  -- All of a user's requests pass here one at a time: a concurrent duplicate waits, then replays.
  select credits_remaining into v_balance from public.credit_balances where user_id = p_user_id for update;
  perform private.require_account(p_user_id);
  v_outcome := private.find_answer(p_user_id, p_idempotency_key, p_request_hash, p_sibling_keys);
  if v_outcome is not null then
    return v_outcome;
  end if;

  select * into v_model from public.models
  where is_available and (p_kind = 'generation' or category = 'transition')
    and (id = p_model_id or (p_kind = 'transition' and p_model_id is null))
  order by is_featured desc, id
  limit 1;
  if not found then
    return jsonb_build_object('outcome', 'model_not_found');
  end if;
  v_resolved := private.resolve_request(v_model, p_settings, coalesce(p_image_url, p_image_path) is not null,
    coalesce(p_tail_image_url, p_tail_image_path) is not null);
  if v_resolved -> 'issues' <> '[]' then
    return jsonb_build_object('outcome', 'validation_failed', 'issues', v_resolved -> 'issues');
  end if;
  v_steps := private.build_steps(v_model, p_prompt, private.image_input(p_image_url, p_image_path),
    private.image_input(p_tail_image_url, p_tail_image_path), v_resolved -> 'settings');
  v_price := private.price_of(v_steps);
  if v_price > p_max_credits then
    return jsonb_build_object('outcome', 'price_changed', 'required_credits', v_price);
  end if;
  if v_balance < v_price then
    return jsonb_build_object(
      'outcome', 'insufficient_credits', 'current_credits', v_balance, 'required_credits', v_price);
  end if;
  v_job.job_id := gen_random_uuid();
  v_outcome := coalesce(
    private.limit_problem(p_user_id),
    private.quota_problem(p_user_id, private.seconds_of(v_resolved -> 'settings')),
    private.input_problem(p_user_id, array[p_image_path, p_tail_image_path]),
    -- Last, since it may take the one probe of an open circuit: what is refused for another reason must leave it.
    private.circuit_problem(v_model.provider, v_job.job_id));
  if v_outcome is not null then
    return v_outcome;
  end if;

  perform private.count_usage(p_user_id, private.seconds_of(v_resolved -> 'settings'));
  v_job.user_id := p_user_id;
  v_job.model_id := v_model.id;
  v_job.kind := p_kind;
  v_job.prompt := p_prompt;
  v_job.settings := v_resolved -> 'settings';
  v_job.image_url := p_image_url;
  v_job.image_path := p_image_path;
  v_job.tail_image_url := p_tail_image_url;
  v_job.tail_image_path := p_tail_image_path;
  v_job.node_id := p_node_id;
  v_job.files_are_public := v_model.files_are_public;
  v_outcome := private.insert_job(v_job, v_steps, p_lease_seconds);
  v_charge := public.deduct_credits(p_user_id, v_price, 'video_generation', v_job.job_id);
  if not (v_charge ->> 'success')::boolean then
    raise exception 'The balance changed under its lock: %', v_charge;
  end if;
  v_response := jsonb_build_object('job_id', v_job.job_id, 'status', 'pending', 'credits_used', v_price,
    'credits_remaining', v_charge -> 'credits_remaining');
  perform private.store_answer(
    p_user_id, p_idempotency_key, 'video_' || p_kind, p_request_hash, v_job.job_id, v_response);
  return jsonb_build_object('outcome', 'created', 'response', v_response, 'leased_job', v_outcome);
end;
$$;

revoke execute on function public.start_generation(
  uuid, text, text, text, uuid, jsonb, text, text, integer, text, text, text, text, text[], integer)
  from public, anon, authenticated;
grant execute on function public.start_generation(
  uuid, text, text, text, uuid, jsonb, text, text, integer, text, text, text, text, text[], integer) to service_role;
