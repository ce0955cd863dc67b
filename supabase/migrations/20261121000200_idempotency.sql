-- One key, one job: the request that a key was used for, and the answer that every repetition of it gets.

create table public.idempotency_log (
  user_id uuid not null references public.credit_balances (user_id) on delete cascade,
  idempotency_key text not null,
  operation_type text not null,
  request_hash text not null,
  job_id uuid not null,
  -- The answer that a replay gets, unchanged.
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

-- What an answer in another product's words needs of the job besides the stored answer: { id, created_at }; null once it
-- is deleted.
create function private.new_video_json(
  p_job public.video_jobs
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return case when p_job.job_id is not null
    then jsonb_build_object('id', p_job.id, 'created_at', private.iso_time(p_job.created_at)) end;
end;
$$;

revoke execute on function private.new_video_json(public.video_jobs) from public, anon, authenticated;
grant execute on function private.new_video_json(public.video_jobs) to service_role;

-- Returns the outcome for a key that was used and has not expired; null for a new key. A batch is one request with many
-- keys: if one of them was used for another request, the whole batch is refused. Whether it is a repeat is decided once:
-- p_batch_since is the `since` of its items before, and those that were made from then on count also if they expired
-- meanwhile.
create function private.find_answer(
  p_user_id uuid,
  p_idempotency_key text,
  p_request_hash text,
  p_sibling_keys text[] default '{}',
  p_batch_since timestamptz default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
-- Postgres would make a plan for each list of keys, which takes longer than the query.
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_now timestamptz := private.clock();
  v_key public.idempotency_log;
begin
  -- One query for all keys, other requests first: between two queries such a request could take a key.
  select * into v_key from public.idempotency_log
  where user_id = p_user_id and idempotency_key = any (p_idempotency_key || p_sibling_keys)
    and (expires_at > v_now or created_at >= p_batch_since)
  order by request_hash is distinct from p_request_hash desc, idempotency_key = p_idempotency_key desc
  limit 1;
  if not found then
    return null;
  end if;
  if v_key.request_hash is distinct from p_request_hash then
    return jsonb_build_object('outcome', 'idempotency_key_reused');
  end if;
  if v_key.idempotency_key <> p_idempotency_key then
    return null;
  end if;
  return jsonb_build_object(
    'outcome', 'replayed', 'status_code', v_key.status_code, 'response', v_key.response_data, 'since', v_key.created_at,
    'video', private.new_video_json((select video_jobs from public.video_jobs where job_id = v_key.job_id)));
end;
$$;

revoke execute on function private.find_answer(uuid, text, text, text[], timestamptz) from public, anon, authenticated;
grant execute on function private.find_answer(uuid, text, text, text[], timestamptz) to service_role;

-- Stores a key with its job and the answer that a replay gets, for p_key_seconds, or as long as app_settings says.
-- Returns since when the key is bound. A row that is already there has expired: find_answer was called before.
create function private.store_answer(
  p_user_id uuid,
  p_idempotency_key text,
  p_operation_type text,
  p_request_hash text,
  p_job_id uuid,
  p_response jsonb,
  p_key_seconds integer default null
)
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  insert into public.idempotency_log as used
    (user_id, idempotency_key, operation_type, request_hash, job_id, response_data, status_code, created_at, expires_at)
  select p_user_id, p_idempotency_key, p_operation_type, p_request_hash, p_job_id, p_response, 200, v_now,
    v_now + coalesce(make_interval(secs => p_key_seconds), make_interval(hours => idempotency_hours))
  from public.app_settings
  on conflict (user_id, idempotency_key) do update set
    operation_type = excluded.operation_type, request_hash = excluded.request_hash, job_id = excluded.job_id,
    response_data = excluded.response_data, status_code = excluded.status_code,
    created_at = excluded.created_at, expires_at = excluded.expires_at
  where used.expires_at <= v_now;
  if not found then
    raise exception 'Idempotency key was taken meanwhile' using errcode = 'serialization_failure';
  end if;
  return v_now;
end;
$$;

revoke execute on function private.store_answer(uuid, text, text, text, uuid, jsonb, integer)
  from public, anon, authenticated;
grant execute on function private.store_answer(uuid, text, text, text, uuid, jsonb, integer) to service_role;

-- Joins a key that was just stored to its batch, and returns since when the batch is bound. All its keys have that time
-- as `created_at` and expire together with the one that was stored last: the batch is a repeat as a whole or not at all.
create function private.join_batch(
  p_user_id uuid,
  p_idempotency_key text,
  p_sibling_keys text[],
  p_batch_since timestamptz
)
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_stored public.idempotency_log;
  v_since timestamptz;
begin
  select * into v_stored from public.idempotency_log
  where user_id = p_user_id and idempotency_key = p_idempotency_key;
  v_since := coalesce(p_batch_since, (
    select min(created_at) from public.idempotency_log
    where user_id = p_user_id and idempotency_key = any (p_sibling_keys) and expires_at > v_now), v_stored.created_at);
  update public.idempotency_log set created_at = v_since, expires_at = v_stored.expires_at
  where ctid = any (array(
    select ctid from public.idempotency_log
    where user_id = p_user_id and (idempotency_key = p_idempotency_key
      or (idempotency_key = any (p_sibling_keys) and created_at = v_since))
    -- A locked one is being deleted, by a transaction that may wait for our node.
    for update skip locked));
  return v_since;
end;
$$;

revoke execute on function private.join_batch(uuid, text, text[], timestamptz) from public, anon, authenticated;
grant execute on function private.join_batch(uuid, text, text[], timestamptz) to service_role;

-- Forgets the request of a job that was sent without a key, because the job failed, or its owner has ended or deleted
-- it: who sends the same again wants a video. Only rows that have not expired: a new request may be writing over the
-- others.
create function private.forget_repeats(
  p_job_id uuid
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  delete from public.idempotency_log
  where job_id = p_job_id and idempotency_key like 'repeat %' and expires_at > private.clock();
end;
$$;

revoke execute on function private.forget_repeats(uuid) from public, anon, authenticated;
grant execute on function private.forget_repeats(uuid) to service_role;

-- Deletes up to p_limit keys that expired a minute ago, the oldest first, and returns their number: { idempotency_keys }.
-- Until then a batch that is being repeated may still read them. Also forgets the usage of users who left, once it no
-- longer counts.
create function public.purge_expired(
  p_limit integer default 1000
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_until timestamptz := private.clock() - interval '1 minute';
  v_keys integer;
begin
  delete from public.idempotency_log
  where ctid = any (array(
    select ctid from public.idempotency_log
    where expires_at <= v_until order by expires_at limit p_limit
    -- A request that reuses an expired key has its row locked.
    for update skip locked));
  get diagnostics v_keys = row_count;
  perform private.forget_usage();
  return jsonb_build_object('idempotency_keys', v_keys);
end;
$$;

revoke execute on function public.purge_expired(integer) from public, anon, authenticated;
grant execute on function public.purge_expired(integer) to service_role;
