-- The same rows as our procedures write, written by hand: one function each, with the locks and the check that it needs and
-- nothing else. No limits, no settings, no prices, no schema of settings, no answers for clients.

create schema by_hand;
grant usage on schema by_hand to service_role;

create function by_hand.start(p_user_id uuid, p_key text, p_hash text, p_prompt text, p_job jsonb)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_job_id uuid := gen_random_uuid();
  v_balance bigint;
  v_answer jsonb;
begin
  select response_data into v_answer from public.idempotency_log
  where user_id = p_user_id and idempotency_key = p_key and expires_at > v_now;
  if found then
    return v_answer;
  end if;
  select credits_remaining into v_balance from public.credit_balances where user_id = p_user_id for update;
  if v_balance is null or v_balance < 5 then
    return jsonb_build_object('error', 'Insufficient credits');
  end if;
  insert into public.video_jobs (
    job_id, user_id, model_id, prompt, settings, provider, seconds, steps, step_names, credits_used, created_at, updated_at)
  values (
    v_job_id, p_user_id, (p_job ->> 'model_id')::uuid, p_prompt, p_job -> 'settings', p_job -> 'provider', 5, 1,
    '{generate}', 5, v_now, v_now);
  insert into private.job_queue (
    job_id, steps, attempt, attempts_of_step, submitted_at, next_check_at, lease_until, deadline_at, step_deadline_at)
  values (
    v_job_id, p_job -> 'steps', 1, 1, v_now, v_now + interval '2 minutes', v_now + interval '1 minute',
    v_now + interval '2 hours', v_now + interval '2 hours');
  insert into private.monthly_usage as usage (user_id, month, seconds)
  values (p_user_id, date_trunc('month', v_now at time zone 'utc')::date, 5)
  on conflict (user_id, month) do update set seconds = usage.seconds + excluded.seconds;
  insert into public.quota_log (user_id, change, reason, job_id, transaction_id, balance_after, created_at)
  values (p_user_id, -5, 'video_generation', v_job_id, 'charge:' || v_job_id, v_balance - 5, v_now);
  update public.credit_balances set credits_remaining = v_balance - 5, updated_at = v_now where user_id = p_user_id;
  v_answer := jsonb_build_object(
    'job_id', v_job_id, 'status', 'pending', 'credits_used', 5, 'credits_remaining', v_balance - 5);
  insert into public.idempotency_log (
    user_id, idempotency_key, operation_type, request_hash, job_id, response_data, status_code, created_at, expires_at)
  values (
    p_user_id, p_key, 'video_generation', p_hash, v_job_id, v_answer, 200, v_now, v_now + interval '1 day');
  return v_answer;
end;
$$;

create function by_hand.record(p_job_id uuid, p_attempt integer, p_run_id text)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update public.video_jobs set
    status = 'processing', stage = 'queued', attempts = p_attempt,
    provider = jsonb_set(provider, '{request_id}', to_jsonb(p_run_id)), updated_at = v_now
  where job_id = p_job_id and status in ('pending', 'processing');
  if not found then
    return false;
  end if;
  update private.job_queue set
    provider_job_id = p_run_id, failures = 0, lease_until = null, next_check_at = v_now + interval '2 seconds'
  where job_id = p_job_id and attempt = p_attempt;
  return found;
end;
$$;

create function by_hand.lease()
returns table (job public.video_jobs, queued private.job_queue)
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  return query
    update private.job_queue as due set
      lease_until = v_now + interval '1 minute', next_check_at = v_now + interval '2 seconds'
    from public.video_jobs as jobs
    where jobs.job_id = due.job_id and due.job_id = (
      select job_id from private.job_queue
      where next_check_at <= v_now and (lease_until is null or lease_until <= v_now)
      order by next_check_at limit 1 for update skip locked)
    returning jobs, due;
end;
$$;

create function by_hand.complete(p_job_id uuid, p_attempt integer, p_path text)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  update public.video_jobs set
    status = 'completed', stage = 'completed', progress_percent = 100, video_path = p_path, completed_at = v_now,
    updated_at = v_now
  where job_id = p_job_id and status = 'processing';
  if not found then
    return false;
  end if;
  update private.job_queue set lease_until = null, failures = 0, next_check_at = null
  where job_id = p_job_id and attempt = p_attempt;
  if not found then
    return false;
  end if;
  -- The thumbnail, which is made next.
  insert into private.thumbnail_work (job_id, step, attempt, attempts_left, next_check_at, deadline_at)
  values (
    p_job_id, '{
      "name": "thumbnail", "provider": "fal", "model": "fal-ai/ffmpeg-api/extract-frame", "produces": "image_url",
      "input": { "video_url": { "artifact": "video" }, "frame_type": "first" }, "credits": 0, "extras": [],
      "optional": true, "typical_seconds": 5, "max_run_seconds": 180, "patience_seconds": 600 }',
    p_attempt + 1, 3, v_now + interval '1 minute', v_now + interval '10 minutes');
  return true;
end;
$$;

create function by_hand.fail(p_job_id uuid, p_attempt integer, p_code text)
returns boolean
language plpgsql
set search_path = ''
as $$
declare
  v_now timestamptz := clock_timestamp();
  v_user_id uuid;
  v_credits integer;
  v_seconds integer;
  v_balance bigint;
begin
  update public.video_jobs set
    status = 'failed', stage = 'failed', error_code = p_code, error_message = p_code, credits_refunded = credits_used,
    completed_at = v_now, updated_at = v_now
  where job_id = p_job_id and status in ('pending', 'processing')
  returning user_id, credits_used, seconds into v_user_id, v_credits, v_seconds;
  if not found then
    return false;
  end if;
  update private.job_queue set lease_until = null, next_check_at = null where job_id = p_job_id and attempt = p_attempt;
  update public.credit_balances set credits_remaining = credits_remaining + v_credits, updated_at = v_now
  where user_id = v_user_id returning credits_remaining into v_balance;
  insert into public.quota_log (user_id, change, reason, job_id, transaction_id, balance_after, created_at)
  values (v_user_id, v_credits, 'generation_failed_refund', p_job_id, 'refund:' || p_job_id, v_balance, v_now);
  update private.monthly_usage set seconds = seconds - v_seconds
  where user_id = v_user_id and month = date_trunc('month', v_now at time zone 'utc')::date;
  -- Its run was over: what was copied already must not stay.
  insert into private.files_to_delete (bucket, path, since)
  select 'videos', v_user_id || '/' || p_job_id || ending, v_now from unnest('{.mp4,_thumb.jpg,.vtt}'::text[]) as ending;
  return true;
end;
$$;

revoke execute on all functions in schema by_hand from public;
grant execute on all functions in schema by_hand to service_role;
