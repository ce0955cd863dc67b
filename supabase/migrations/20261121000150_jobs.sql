-- Jobs as their owners see them. What a row may hold is in the next file.

-- The id of a job that begins at this time: a UUID of version 7, which begins with the milliseconds since 1970. Ids of the
-- same time are neighbours in every index, and a month of jobs is a range of ids (see docs/scale.md).
create function private.new_job_id(
  p_time timestamptz
)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return encode(
    -- Version 4 is 0100; with these two bits it is 0111.
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from p_time) * 1000)::bigint) from 3) from 1 for 6), 52, 1), 53, 1),
    'hex')::uuid;
end;
$$;

revoke execute on function private.new_job_id(timestamptz) from public, anon, authenticated;
grant execute on function private.new_job_id(timestamptz) to service_role;

create table public.video_jobs (
  job_id uuid primary key default private.new_job_id(clock_timestamp()),
  -- For clients that have numbers as ids.
  id bigint generated always as identity,
  -- References the account, which each change of money locks anyway. A reference to auth.users would take one more
  -- lock, which could deadlock with the deletion of the user. An account is deleted only after its jobs were ended and
  -- refunded (see erase_user).
  user_id uuid not null references public.credit_balances (user_id),
  model_id uuid not null references public.models (id),
  kind text not null default 'generation',
  prompt text not null,
  settings jsonb not null default '{}',
  image_url text,
  -- The image as a file in the owner's folder of the bucket `inputs`, instead of a URL.
  image_path text,
  -- The image that the video ends with, as a URL or a file, for models that take one.
  tail_image_url text,
  tail_image_path text,
  node_id text,
  status text not null default 'pending',
  stage text not null default 'submitting',
  progress_percent integer not null default 0,
  queue_position integer,
  -- When the current run will probably end, from its usual time; the moment it did, while its file is stored. Null while
  -- there is no run.
  expected_at timestamptz,
  step integer not null default 0,
  steps integer not null default 1,
  step_names text[] not null default '{generate}',
  -- The extras that the video is delivered without, as its owner allowed.
  skipped_extras text[] not null default '{}',
  -- How often it was submitted to a provider, in all steps together.
  attempts integer not null default 1,
  -- The provider that makes the video or made it last: { name, model, request_id }, with the provider's own id once it
  -- is known.
  provider jsonb not null,
  -- The requested length; it counts towards the monthly quota.
  seconds integer not null default 0,
  -- The earlier system that a finished video comes from. What was paid there is not in the ledger: credits_used only
  -- tells its owner.
  imported_from text,
  credits_used integer not null,
  credits_refunded integer not null default 0,
  error_code text,
  error_message text,
  -- Whether clients can open the provider's files, as the model's row said when the job was started.
  files_are_public boolean not null default true,
  -- Our own copy in the bucket `videos`. video_url is the provider's file, which clients get while there is no copy.
  video_path text,
  video_url text,
  thumbnail_path text,
  thumbnail_url text,
  subtitles_path text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  completed_at timestamptz
);

-- Listings, each in its exact order: a page needs no sort, whatever the statistics say of the user.
create index video_jobs_by_user on public.video_jobs (user_id, created_at desc, job_id desc);
create index video_jobs_by_status on public.video_jobs (user_id, status, created_at desc, job_id desc);
create index video_jobs_by_node on public.video_jobs (user_id, node_id, created_at desc, job_id desc) where node_id is not null;
create index video_jobs_by_change on public.video_jobs (user_id, updated_at, job_id);
create index video_jobs_by_model on public.video_jobs (model_id);
create index video_jobs_active on public.video_jobs (user_id) where status in ('pending', 'processing');
create index video_jobs_by_image on public.video_jobs (image_path) where image_path is not null;
create index video_jobs_by_tail_image on public.video_jobs (tail_image_path) where tail_image_path is not null;
create index video_jobs_by_completion on public.video_jobs (completed_at) where completed_at is not null;

alter table public.video_jobs enable row level security;
create policy "Users read their own jobs" on public.video_jobs
  for select to authenticated using (user_id = (select private.current_user_id()));
revoke all on public.video_jobs from anon, authenticated, service_role;
grant select on public.video_jobs to authenticated;
grant select, insert, update, delete on public.video_jobs to service_role;
revoke all on sequence public.video_jobs_id_seq from anon, authenticated, service_role;

-- The pause before the next check of a job, and before the next poll of its client, in seconds, between the two settings.
-- At first it is as long again as the job is old; near the expected end it is ever shorter, because there a second is
-- noticed; after it, ever longer. A client that obeys asks about eleven times for a run of a minute.
create function private.pause_seconds(
  p_created_at timestamptz,
  p_expected_at timestamptz
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_age numeric := extract(epoch from v_now - p_created_at);
  v_left numeric := extract(epoch from p_expected_at - v_now);
  v_shortest numeric;
  v_longest numeric;
begin
  -- A query without values keeps its plan; with them Postgres makes a new one in each call.
  select check_interval_min_seconds, check_interval_max_seconds into v_shortest, v_longest from public.app_settings;
  return least(v_longest, greatest(v_shortest, case
    when v_left is null then greatest(2, v_age / 10)
    when v_left > 0 then least(greatest(2, v_age), 0.6 * v_left)
    else v_shortest - v_left / 8 end));
end;
$$;

revoke execute on function private.pause_seconds(timestamptz, timestamptz) from public, anon, authenticated;
grant execute on function private.pause_seconds(timestamptz, timestamptz) to service_role;

-- The job as clients see it, except that the caller turns file paths into signed URLs; null for no job.
create function private.job_json(
  p_job public.video_jobs
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  return case when p_job.job_id is not null then jsonb_build_object(
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
      then (private.pause_seconds(p_job.created_at, p_job.expected_at) * 1000)::integer end) end;
end;
$$;

revoke execute on function private.job_json(public.video_jobs) from public, anon, authenticated;
grant execute on function private.job_json(public.video_jobs) to service_role;
