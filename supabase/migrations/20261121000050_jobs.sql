-- Jobs: what their owner sees (video_jobs) and what it takes to get them done (private.job_queue).

create table public.video_jobs (
  job_id uuid primary key default gen_random_uuid(),
  -- For clients whose ids are numbers.
  id bigint generated always as identity,
  -- Of the account, which its changes lock anyway: a lock on the auth user besides would meet that of its deletion. No
  -- account goes without what it still has to end and refund (see erase_user).
  user_id uuid not null references public.credit_balances (user_id),
  model_id uuid not null references public.models (id),
  kind text not null default 'generation',
  prompt text not null,
  settings jsonb not null default '{}',
  image_url text,
  -- The image as a file of the owner's folder in the bucket `inputs`, instead of an address.
  image_path text,
  -- The image that the video ends with, likewise, where the model takes one.
  tail_image_url text,
  tail_image_path text,
  node_id text,
  status text not null default 'pending',
  stage text not null default 'submitting',
  progress_percent integer not null default 0,
  queue_position integer,
  step integer not null default 0,
  steps integer not null default 1,
  step_names text[] not null default '{generate}',
  -- The extras that the video is delivered without, at its owner's wish.
  skipped_extras text[] not null default '{}',
  -- How often it was given to a provider, all steps together.
  attempts integer not null default 1,
  -- Who made the video last, or is making it: { name, model, request_id }, with the provider's own id once there is one.
  provider jsonb not null,
  -- The length asked for; what counts towards the month's quota.
  seconds integer not null default 0,
  credits_used integer not null,
  credits_refunded integer not null default 0,
  error_code text,
  error_message text,
  -- Whether others can open its provider's files, as its model said when it was asked for.
  files_are_public boolean not null default true,
  -- Our own copy in the bucket `videos`; video_url is the provider's, served while there is no copy.
  video_path text,
  video_url text,
  thumbnail_path text,
  thumbnail_url text,
  subtitles_path text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  completed_at timestamptz,
  constraint job_kind_is_known check (kind in ('generation', 'transition')),
  constraint job_status_is_known check (status in ('pending', 'processing', 'completed', 'failed')),
  constraint job_stage_is_known check (
    stage in ('submitting', 'queued', 'generating', 'storing', 'completed', 'failed')
  ),
  constraint job_percent_is_a_percentage check (progress_percent between 0 and 100),
  constraint job_step_is_one_of_its_steps check (
    steps > 0 and steps = cardinality(step_names) and step between 0 and steps
  ),
  constraint job_attempts_are_counted check (attempts > 0),
  constraint job_provider_is_named check (provider ?& array['name', 'model', 'request_id']),
  constraint job_charge_is_positive check (credits_used > 0),
  constraint job_length_is_not_negative check (seconds >= 0),
  constraint finished_job_says_when check ((status in ('completed', 'failed')) = (completed_at is not null)),
  constraint failed_job_says_why check ((status = 'failed') = (error_code is not null)),
  constraint failed_job_is_refunded_in_full check ((status = 'failed') = (credits_refunded = credits_used)),
  constraint delivered_job_is_refunded_for_skipped_extras check (
    credits_refunded >= 0 and (status in ('completed', 'failed') or credits_refunded = 0)
    and (status <> 'completed' or credits_refunded = 0 or cardinality(skipped_extras) > 0)
  ),
  constraint completed_job_has_a_video check (
    status <> 'completed' or video_path is not null or video_url is not null
  ),
  constraint private_video_is_delivered_from_our_copy check (
    status <> 'completed' or files_are_public or video_path is not null
  ),
  constraint job_prompt_is_bounded check (char_length(prompt) between 1 and 5000),
  constraint job_node_id_is_bounded check (char_length(node_id) between 1 and 128),
  constraint job_image_url_is_bounded check (char_length(image_url) <= 2048),
  constraint job_tail_image_url_is_bounded check (char_length(tail_image_url) <= 2048),
  constraint job_has_one_image check (
    (image_url is null or image_path is null) and (tail_image_url is null or tail_image_path is null)
  ),
  constraint job_image_file_is_the_owners check (
    image_path like user_id || '/%' and tail_image_path like user_id || '/%'
  )
);

create index video_jobs_by_user on public.video_jobs (user_id, created_at desc);
create index video_jobs_by_change on public.video_jobs (user_id, updated_at);
create index video_jobs_by_node on public.video_jobs (user_id, node_id, created_at desc) where node_id is not null;
create index video_jobs_by_model on public.video_jobs (model_id);
create index video_jobs_active on public.video_jobs (user_id) where status in ('pending', 'processing');
create index video_jobs_by_status on public.video_jobs (user_id, status, created_at desc);

alter table public.video_jobs enable row level security;
create policy "Users read their own jobs" on public.video_jobs
  for select to authenticated using (user_id = (select auth.uid()));
revoke all on public.video_jobs from anon, authenticated, service_role;
grant select on public.video_jobs to authenticated;
grant select, insert, update, delete on public.video_jobs to service_role;
revoke all on sequence public.video_jobs_id_seq from anon, authenticated, service_role;

-- Announces that the transaction is going to change jobs of a user; to be called before any other lock is taken, and
-- before the time of the change is read. The first lock is what erase_account waits for, to be alone with the user. The
-- second one tells since which second a change is under way: private.horizon_of reads it. Neither waits for another change.
create function private.lock_user_shared(
  p_user_id uuid
)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  select pg_advisory_xact_lock_shared(hashtextextended(p_user_id::text, 0));
  -- Whole seconds since 2020 fit the lock's second key until 2088.
  select pg_advisory_xact_lock_shared(hashtext(p_user_id::text),
    floor(extract(epoch from private.clock() - timestamptz '2020-01-01 00:00:00+00'))::integer);
$$;

revoke execute on function private.lock_user_shared(uuid) from public, anon, authenticated;
grant execute on function private.lock_user_shared(uuid) to service_role;

-- One row a job, kept apart so that owners can select * from their jobs, a lease never touches what they see, and the
-- worker's index holds only what still has something to do.
create table private.job_queue (
  job_id uuid primary key references public.video_jobs (job_id) on delete cascade,
  -- In order, as build_steps makes them. An input may name what earlier steps made.
  steps jsonb not null,
  step integer not null default 0,
  -- What the steps made so far, by their names, and as `video` and `thumbnail` the newest ones: { url, provider, run }.
  artifacts jsonb not null default '{}',
  -- Counts every submission of the job. Whoever reports a result names the attempt it belongs to: a stale one changes nothing.
  attempt integer not null default 0,
  attempts_of_step integer not null default 0,
  -- When the current attempt was opened, and the provider's id of it once that is known. A time without an id: it was
  -- sent or is being sent, and may be running. Neither: the last attempt is over and the next not yet made.
  submitted_at timestamptz,
  provider_job_id text,
  -- When the current attempt was last seen waiting at the provider; earlier than submitted_at it was an attempt before.
  queued_until timestamptz,
  -- When somebody must look at the job again; null when nothing is left to do.
  next_check_at timestamptz,
  lease_until timestamptz,
  deadline_at timestamptz not null,
  -- When the current step is given up: the job's own deadline, or earlier where the video may do without the step.
  step_deadline_at timestamptz not null,
  -- Looks or copies in a row that failed for a reason that may pass.
  failures integer not null default 0,
  constraint steps_are_a_list check (jsonb_typeof(steps) = 'array' and jsonb_array_length(steps) > 0),
  constraint step_is_one_of_the_steps check (step between 0 and jsonb_array_length(steps)),
  constraint step_ends_by_the_deadline check (step_deadline_at <= deadline_at),
  constraint provider_job_belongs_to_an_attempt check (provider_job_id is null or submitted_at is not null),
  constraint attempts_are_counted check (attempts_of_step between 0 and attempt)
);

create index job_queue_due on private.job_queue (next_check_at) where next_check_at is not null;
create index job_queue_by_provider_job on private.job_queue (provider_job_id) where provider_job_id is not null;

alter table private.job_queue enable row level security;
create policy "Only the service role works on jobs" on private.job_queue
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.job_queue to service_role;

-- When a step that begins now is given up: the job's own deadline, or earlier where the video may do without the step.
create function private.step_deadline(
  p_step jsonb,
  p_deadline timestamptz
)
returns timestamptz
language sql
volatile
security invoker
set search_path = ''
as $$
  select case when (p_step ->> 'optional')::boolean
    then least(p_deadline, private.clock() + make_interval(secs => (p_step ->> 'patience_seconds')::integer))
    else p_deadline end;
$$;

revoke execute on function private.step_deadline(jsonb, timestamptz) from public, anon, authenticated;
grant execute on function private.step_deadline(jsonb, timestamptz) to service_role;

-- Whether a run of its model is still to be done, from this step on: until then there is no video.
create function private.is_making_video(
  p_steps jsonb,
  p_step integer
)
returns boolean
language sql
immutable
security invoker
set search_path = ''
as $$
  select exists (
    select from jsonb_array_elements(p_steps) with ordinality as steps (step, place)
    where place > p_step and (step ->> 'makes_video')::boolean);
$$;

revoke execute on function private.is_making_video(jsonb, integer) from public, anon, authenticated;
grant execute on function private.is_making_video(jsonb, integer) to service_role;

-- The pause before the next look at a job, in seconds: a tenth of its age, between the two settings.
create function private.check_interval_seconds(
  p_created_at timestamptz
)
returns integer
language sql
volatile
security invoker
set search_path = ''
as $$
  select least(check_interval_max_seconds, greatest(check_interval_min_seconds,
    (extract(epoch from private.clock() - p_created_at) / 10)::integer))
  from public.app_settings;
$$;

revoke execute on function private.check_interval_seconds(timestamptz) from public, anon, authenticated;
grant execute on function private.check_interval_seconds(timestamptz) to service_role;

-- The job as clients see it, but for the file paths, which the caller turns into signed URLs; null for no job.
create function private.job_json(
  p_job public.video_jobs
)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select case when p_job.job_id is not null then jsonb_build_object(
    'job_id', p_job.job_id, 'id', p_job.id, 'user_id', p_job.user_id, 'kind', p_job.kind, 'status', p_job.status,
    'video_path', p_job.video_path, 'video_url', p_job.video_url,
    'thumbnail_path', p_job.thumbnail_path, 'thumbnail_url', p_job.thumbnail_url,
    'subtitles_path', p_job.subtitles_path, 'skipped_extras', p_job.skipped_extras,
    'created_at', private.iso_time(p_job.created_at), 'completed_at', private.iso_time(p_job.completed_at),
    'prompt', p_job.prompt, 'model_id', p_job.model_id, 'settings', p_job.settings, 'node_id', p_job.node_id,
    'credits_used', p_job.credits_used, 'credits_refunded', p_job.credits_refunded,
    'error_code', p_job.error_code, 'error_message', p_job.error_message,
    'attempts', p_job.attempts, 'provider', p_job.provider,
    'progress', jsonb_build_object(
      'percent', p_job.progress_percent, 'stage', p_job.stage,
      'step', least(p_job.step + 1, p_job.steps), 'steps', p_job.steps,
      'step_name', p_job.step_names[least(p_job.step + 1, p_job.steps)], 'queue_position', p_job.queue_position),
    'updated_at', private.iso_time(p_job.updated_at),
    'version', (extract(epoch from p_job.updated_at) * 1000000)::bigint::text,
    'poll_after_ms', case when p_job.completed_at is null
      then private.check_interval_seconds(p_job.created_at) * 1000 end) end;
$$;

revoke execute on function private.job_json(public.video_jobs) from public, anon, authenticated;
grant execute on function private.job_json(public.video_jobs) to service_role;

-- What a worker needs to know to move a job on, with the one thing to do next as `action`.
create function private.leased_job_json(
  p_job public.video_jobs,
  p_queued private.job_queue,
  p_attempt_opened boolean
)
returns jsonb
language sql
volatile
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'job_id', p_job.job_id, 'user_id', p_job.user_id, 'status', p_job.status,
    'action', case
      when p_queued.step >= jsonb_array_length(p_queued.steps) then 'store'
      when p_queued.step_deadline_at <= private.clock() then 'expire'
      when p_queued.provider_job_id is not null then 'check'
      when p_attempt_opened then 'submit'
      else 'give_up' end,
    'step', p_queued.steps -> least(p_queued.step, jsonb_array_length(p_queued.steps) - 1),
    'artifacts', p_queued.artifacts,
    'attempt', p_queued.attempt, 'provider_job_id', p_queued.provider_job_id, 'failures', p_queued.failures,
    'attempts_of_step', p_queued.attempts_of_step,
    'attempts_left', (select attempts_per_step from public.app_settings) - p_queued.attempts_of_step,
    -- What must come keeps time for its own run and for those after it.
    'start_within_seconds', greatest(1, extract(epoch from p_queued.step_deadline_at - private.clock())
      - (select coalesce(sum((step ->> case when (step ->> 'optional')::boolean
          then 'patience_seconds' else 'max_run_seconds' end)::integer), 0)
        from jsonb_array_elements(p_queued.steps) with ordinality as steps (step, place)
        where place > p_queued.step and not (p_queued.steps -> p_queued.step ->> 'optional')::boolean))::integer,
    'past_deadline', p_queued.deadline_at <= private.clock(),
    'age_ms', (extract(epoch from private.clock() - p_job.created_at) * 1000)::bigint,
    'settings', p_job.settings,
    'files_are_public', p_job.files_are_public,
    'copy_again', coalesce(p_job.completed_at
      + make_interval(hours => (select store_retry_hours from public.app_settings)) > private.clock(), true));
$$;

revoke execute on function private.leased_job_json(public.video_jobs, private.job_queue, boolean)
  from public, anon, authenticated;
grant execute on function private.leased_job_json(public.video_jobs, private.job_queue, boolean) to service_role;
