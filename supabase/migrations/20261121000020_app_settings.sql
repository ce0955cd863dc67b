-- The operator's settings.

-- One row. Change it with an update; a setting takes effect with the next request.
create table public.app_settings (
  only_row boolean primary key default true,
  -- Credits that a new user gets, once.
  welcome_credits integer not null default 20,
  -- Unfinished jobs that one user may have at a time.
  active_jobs_per_user integer not null default 20,
  generations_per_hour integer not null default 200,
  -- Seconds of video that one user may have generated in a calendar month (UTC); null: no limit.
  seconds_per_month integer,
  -- Images that one user may upload in 24 hours: their number, and their bytes.
  uploads_per_day integer not null default 100,
  upload_bytes_per_day bigint not null default 209715200,
  -- Refunds that one user may get in a day by cancelling or deleting jobs after a run of them had started: the provider
  -- bills us for each.
  cancels_after_start_per_day integer not null default 10,
  -- Refunds that one user may get in a day for jobs that failed because of the user's input after a run of them was
  -- done: the provider bills us for that run. Beyond the limit the user cannot start jobs.
  refusals_after_start_per_day integer not null default 10,
  -- What one user's projects of the canvas may have together, whoever of their members adds it: projects, nodes and
  -- connections, and bytes in the data of nodes.
  canvas_projects_per_user integer not null default 100,
  canvas_rows_per_user integer not null default 10000,
  canvas_bytes_per_user bigint not null default 52428800,
  -- How long an idempotency key is bound to its request.
  idempotency_hours integer not null default 24,
  -- The shortest and the longest pause between two checks of a run: see private.pause_seconds.
  check_interval_min_seconds numeric not null default 0.4,
  check_interval_max_seconds integer not null default 15,
  -- How long a submission without an answer may still be confirmed by its webhook before the next attempt is made.
  unknown_submission_seconds integer not null default 120,
  -- Submissions of one step before the job fails.
  attempts_per_step integer not null default 4,
  -- How many failed submissions in a row open a provider's circuit, and for how long it is open.
  circuit_failures integer not null default 5,
  circuit_open_seconds integer not null default 30,
  -- How long a worker that copies a video keeps the job; a gigabyte on a slow line takes minutes.
  copy_lease_seconds integer not null default 300,
  -- How long a failed copy to Storage is repeated while clients get the provider's own URL.
  store_retry_hours integer not null default 24,
  -- The purge deletes finished videos that are older than this; null keeps them for ever.
  retention_days integer,
  -- How long a client can still learn that a video was deleted.
  tombstone_days integer not null default 180,
  -- Where the world reaches the functions, `https://…/functions/v1`, for addresses that the database writes. Null: the
  -- address of `project_url` in Vault.
  public_functions_url text,
  constraint app_settings_has_one_row check (only_row),
  constraint welcome_credits_is_not_negative check (welcome_credits >= 0),
  constraint limits_are_positive check (
    active_jobs_per_user > 0 and generations_per_hour > 0 and seconds_per_month > 0
    and uploads_per_day > 0 and upload_bytes_per_day > 0 and cancels_after_start_per_day > 0
    and refusals_after_start_per_day > 0 and canvas_projects_per_user > 0 and canvas_rows_per_user > 0
    and canvas_bytes_per_user > 0
  ),
  constraint durations_are_positive check (
    idempotency_hours > 0 and check_interval_min_seconds > 0
    and check_interval_max_seconds >= check_interval_min_seconds
    and unknown_submission_seconds > 0 and attempts_per_step > 0 and copy_lease_seconds > 0
    and circuit_failures > 0 and circuit_open_seconds > 0
    and store_retry_hours > 0
    and tombstone_days > 0
    and (retention_days is null or retention_days > 0)
  ),
  -- Bounded: a link must fit into a node.
  constraint public_functions_url_is_an_address check (
    public_functions_url ~ '^https?://[^[:space:]?#]*[^[:space:]?#/]$' and char_length(public_functions_url) <= 500
  )
);

insert into public.app_settings default values;

alter table public.app_settings enable row level security;
create policy "Only the service role reads and changes settings" on public.app_settings
  for all to service_role using (true) with check (true);
revoke all on public.app_settings from anon, authenticated, service_role;
grant select, update on public.app_settings to service_role;
