-- How a job ends: once and for ever, delivered or refunded.

-- Whether Storage has a video of this size; true if no size is given.
create function private.is_stored(
  p_path text,
  p_bytes bigint
)
returns boolean
language plpgsql
stable
-- Runs as the owner: the service role cannot read Storage's tables.
security definer
set search_path = ''
as $$
begin
  return p_bytes is null or exists (
    select from storage.objects
    where bucket_id = 'videos' and name = p_path and (metadata ->> 'size')::bigint = p_bytes);
end;
$$;

revoke execute on function private.is_stored(text, bigint) from public, anon, authenticated;
grant execute on function private.is_stored(text, bigint) to service_role;

-- Delivers the video of a job whose steps are all done, and refunds the extras that it is delivered without. Without a
-- path clients get the provider's own URL, if they can open it; with a delay as well, the copy to Storage is repeated
-- after it. With p_told, the answer to its owner shows the end. With p_video_bytes nothing is delivered unless Storage has
-- all of the file: `is_stored` is false then. `leased_thumbnail` is the thumbnail, which the caller makes after this.
create function public.complete_job(
  p_job_id uuid,
  p_attempt integer,
  p_video_path text default null,
  p_copy_again_after_seconds integer default null,
  p_subtitles_path text default null,
  p_told boolean default false,
  p_video_bytes bigint default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
  v_queued private.job_queue := v_locked.queued;
  v_skipped integer := 0;
begin
  if not v_locked.current or v_job.step < v_job.steps or (p_video_path is null and not v_job.files_are_public) then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  if not private.is_stored(p_video_path, p_video_bytes) then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job), 'is_stored', false);
  end if;
  if v_job.skipped_extras <> '{}' then
    v_skipped := coalesce((
      select sum((step ->> 'credits')::integer) from jsonb_array_elements(v_queued.steps) as step
      where step -> 'extras' <> '[]' and step -> 'extras' <@ to_jsonb(v_job.skipped_extras)), 0);
  end if;
  update private.job_queue set
    lease_until = null, failures = 0, told_at = case when p_told then v_now end,
    next_check_at = case when p_video_path is null
      then v_now + make_interval(secs => p_copy_again_after_seconds) end
  where job_id = p_job_id;
  update public.video_jobs set
    status = 'completed', stage = 'completed', progress_percent = 100, queue_position = null,
    video_path = p_video_path,
    video_url = case when p_video_path is null then v_queued.artifacts -> 'video' ->> 'url' end,
    -- Its copy follows.
    thumbnail_url = case when files_are_public then v_queued.artifacts -> 'thumbnail' ->> 'url' end,
    subtitles_path = p_subtitles_path, credits_refunded = v_skipped,
    completed_at = v_now, updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and completed_at is null
  returning * into v_job;
  if v_skipped > 0 then
    perform public.add_credits(v_job.user_id, v_skipped, 'skipped_extras_refund', p_job_id, 'skipped-extras:' || p_job_id);
  end if;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job),
    'leased_thumbnail', private.begin_thumbnail(v_job, v_queued));
end;
$$;

revoke execute on function public.complete_job(uuid, integer, text, integer, text, boolean, bigint)
  from public, anon, authenticated;
grant execute on function public.complete_job(uuid, integer, text, integer, text, boolean, bigint) to service_role;

-- Records that the copy of a delivered video is in Storage now, and the files beside it. The size is that of complete_job.
create function public.record_stored_video(
  p_job_id uuid,
  p_video_path text,
  p_thumbnail_path text default null,
  p_subtitles_path text default null,
  p_video_bytes bigint default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, null);
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
begin
  if v_job.status is distinct from 'completed' or v_job.video_path is not null then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  if not private.is_stored(p_video_path, p_video_bytes) then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job), 'is_stored', false);
  end if;
  update private.job_queue set lease_until = null, failures = 0, next_check_at = null where job_id = p_job_id;
  update public.video_jobs set
    video_path = p_video_path, video_url = null,
    thumbnail_path = coalesce(thumbnail_path, p_thumbnail_path),
    thumbnail_url = case when p_thumbnail_path is null then thumbnail_url end,
    subtitles_path = coalesce(subtitles_path, p_subtitles_path), updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and status = 'completed'
  returning * into v_job;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job));
end;
$$;

revoke execute on function public.record_stored_video(uuid, text, text, text, bigint) from public, anon, authenticated;
grant execute on function public.record_stored_video(uuid, text, text, text, bigint) to service_role;

-- Ends a job as failed and refunds exactly what was charged. With p_response, the request that started the job is still
-- waiting: the stored answer of its key becomes the failure, so that a replay gets the same. `p_refund_reason` is the
-- reason in the ledger. With p_told, the answer to its owner shows the end.
create function public.fail_job(
  p_job_id uuid,
  p_attempt integer,
  p_error_code text,
  p_error_message text,
  p_response jsonb default null,
  p_refund_reason text default 'generation_failed_refund',
  p_told boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, p_attempt);
  v_now timestamptz := private.clock();
  v_job public.video_jobs := v_locked.job;
  v_refund jsonb;
  v_response jsonb;
begin
  if not v_locked.current then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  -- The user's input was refused after something was made: private.limit_problem counts these.
  if (v_locked.queued).artifacts <> '{}' and p_error_code in (
    'image_rejected', 'content_policy', 'provider_rejected_input', 'input_missing', 'no_media') then
    p_refund_reason := 'refused_after_start_refund';
  end if;
  update private.job_queue set
    lease_until = null, next_check_at = null, told_at = case when p_told or p_response is not null then v_now end,
    generating_seconds = generating_seconds
      + case when v_job.stage = 'generating' then private.running_seconds(v_locked.queued, v_now) else 0 end
  where job_id = p_job_id;
  update public.video_jobs set
    status = 'failed', stage = 'failed', queue_position = null, error_code = p_error_code,
    error_message = p_error_message, credits_refunded = credits_used, attempts = (v_locked.queued).attempt,
    completed_at = v_now, updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and completed_at is null
  returning * into v_job;
  -- From its second step on, a copy of the video may be in Storage or on its way there: it must be deleted.
  if v_job.step > 0 then
    perform private.enqueue_job_files(v_job);
  end if;

  -- If support has already refunded the job by hand, nothing is added here, and the audit compares the amounts.
  v_refund := public.add_credits(
    v_job.user_id, v_job.credits_used, p_refund_reason, p_job_id, 'refund:' || p_job_id);
  -- Never below zero: a count that was changed by hand must not stop the refund.
  update private.monthly_usage set seconds = greatest(0, seconds - v_job.seconds)
  where user_id = v_job.user_id and month = private.month_of(v_job.created_at);

  perform private.forget_repeats(p_job_id);
  if p_response is not null then
    v_response := p_response || jsonb_build_object(
      'job_id', p_job_id, 'credits_refunded', v_job.credits_refunded,
      'credits_remaining', v_refund -> 'credits_remaining');
    update public.idempotency_log set status_code = 500, response_data = v_response where job_id = p_job_id;
  end if;
  return jsonb_build_object('applied', true, 'job', private.job_json(v_job), 'response', v_response);
end;
$$;

revoke execute on function public.fail_job(uuid, integer, text, text, jsonb, text, boolean)
  from public, anon, authenticated;
grant execute on function public.fail_job(uuid, integer, text, text, jsonb, text, boolean) to service_role;
