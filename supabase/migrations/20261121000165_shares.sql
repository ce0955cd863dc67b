-- Links to finished videos. Who has the link can see the video until the link is revoked, it expires or the video is
-- deleted.

-- One row a link. Only the hash of its secret part is stored: a copy of the database opens no video. So no link can be
-- shown a second time; each request makes a new one.
create table private.video_shares (
  share_id uuid primary key default gen_random_uuid(),
  -- The link goes with its video, whoever deletes it: the owner, the retention time or the deletion of the account.
  job_id uuid not null references public.video_jobs (job_id) on delete cascade,
  token_hash bytea not null,
  -- What the owner wants the page of the link to say; nothing else about video or owner is shown.
  title text,
  created_at timestamptz not null,
  -- Null: the link works until it is revoked.
  expires_at timestamptz,
  constraint share_token_is_used_once unique (token_hash),
  constraint share_token_is_stored_as_a_hash check (octet_length(token_hash) = 32),
  constraint share_title_is_bounded check (char_length(title) between 1 and 200),
  constraint share_expires_later check (expires_at > created_at)
);

create index video_shares_by_job on private.video_shares (job_id);

alter table private.video_shares enable row level security;
create policy "Only the service role shares videos" on private.video_shares
  for all to service_role using (true) with check (true);
grant select, insert, delete on private.video_shares to service_role;

-- The address of the functions as the world reaches it, without a slash at the end: the operator's setting, otherwise
-- that of `project_url` in Vault. Null where neither is known.
create function private.functions_url()
returns text
language plpgsql
stable
-- Runs as the owner: the service role of other projects may not read Vault.
security definer
set search_path = ''
as $$
declare
  v_url text := (select public_functions_url from public.app_settings);
begin
  if v_url is null and to_regclass('vault.decrypted_secrets') is not null then
    execute 'select decrypted_secret || ''/functions/v1'' from vault.decrypted_secrets where name = $1'
      into v_url using 'project_url';
  end if;
  return v_url;
end;
$$;

revoke execute on function private.functions_url() from public, anon, authenticated;
grant execute on function private.functions_url() to service_role;

-- The address of a link by its secret part; null where the address of the functions is not known.
create function private.share_url(
  p_token text
)
returns text
language plpgsql
stable
security invoker
set search_path = ''
as $$
begin
  return private.functions_url() || '/share/' || p_token;
end;
$$;

revoke execute on function private.share_url(text) from public, anon, authenticated;
grant execute on function private.share_url(text) to service_role;

-- Makes a link to a job's video: { share_id, token, url, expires_at }. The link answers once the job is completed. For
-- procedures that have checked whose job it is.
create function private.create_share(
  p_job_id uuid,
  p_title text default null,
  p_expires_at timestamptz default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  -- The hash makes the bits of two UUIDs even; 24 bytes are 192 bits, 32 characters.
  v_token text := translate(encode(substring(
    sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) for 24), 'base64'), '+/', '-_');
  v_share private.video_shares;
begin
  insert into private.video_shares (job_id, token_hash, title, created_at, expires_at)
  values (p_job_id, sha256(convert_to(v_token, 'UTF8')), p_title, private.clock(), p_expires_at)
  returning * into v_share;
  return jsonb_build_object(
    'share_id', v_share.share_id, 'token', v_token, 'url', private.share_url(v_token),
    'expires_at', private.iso_time(v_share.expires_at));
end;
$$;

revoke execute on function private.create_share(uuid, text, timestamptz) from public, anon, authenticated;
grant execute on function private.create_share(uuid, text, timestamptz) to service_role;

-- Makes a link to a user's video, or says why not: { outcome, … }. Null for a job that is not the user's.
create function public.share_video(
  p_user_id uuid,
  p_job_id uuid,
  p_title text default null,
  p_expires_in_seconds integer default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_limit constant integer := 100;
  v_now timestamptz := private.clock();
  v_job public.video_jobs;
begin
  -- The lock makes requests for one video wait for each other, so that all of them are counted.
  select * into v_job from public.video_jobs where job_id = p_job_id and user_id = p_user_id for update;
  if not found then
    perform private.require_account(p_user_id);
    return null;
  end if;
  if v_job.status <> 'completed' then
    return jsonb_build_object('outcome', 'not_shareable', 'status', v_job.status);
  end if;
  delete from private.video_shares where job_id = p_job_id and expires_at <= v_now;
  if (select count(*) from private.video_shares where job_id = p_job_id) >= v_limit then
    return jsonb_build_object('outcome', 'share_limit_reached', 'limit', v_limit);
  end if;
  return jsonb_build_object(
    'outcome', 'shared',
    'share', private.create_share(p_job_id, p_title, v_now + make_interval(secs => p_expires_in_seconds)),
    'has_thumbnail', coalesce(v_job.thumbnail_path, v_job.thumbnail_url) is not null,
    'has_subtitles', v_job.subtitles_path is not null);
end;
$$;

revoke execute on function public.share_video(uuid, uuid, text, integer) from public, anon, authenticated;
grant execute on function public.share_video(uuid, uuid, text, integer) to service_role;

-- Revokes one link of a user's video, or all of them, and returns how many there were. Null for a job that is not the
-- user's. Safe to repeat.
create function public.revoke_shares(
  p_user_id uuid,
  p_job_id uuid,
  p_share_id uuid default null
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_revoked integer;
begin
  -- Locked as in share_video: a link that is being made at this moment is revoked too.
  perform from public.video_jobs where job_id = p_job_id and user_id = p_user_id for update;
  if not found then
    perform private.require_account(p_user_id);
    return null;
  end if;
  delete from private.video_shares where job_id = p_job_id and (p_share_id is null or share_id = p_share_id);
  get diagnostics v_revoked = row_count;
  return v_revoked;
end;
$$;

revoke execute on function public.revoke_shares(uuid, uuid, uuid) from public, anon, authenticated;
grant execute on function public.revoke_shares(uuid, uuid, uuid) to service_role;

-- What a link shows, by its secret part; null for one that is unknown, revoked or expired, or whose video is not there.
create function public.read_share(
  p_token text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
begin
  return (
    select jsonb_build_object(
      'job_id', jobs.job_id, 'url', private.share_url(p_token), 'title', shares.title,
      'video_path', jobs.video_path, 'video_url', jobs.video_url,
      'thumbnail_path', jobs.thumbnail_path, 'thumbnail_url', jobs.thumbnail_url,
      'subtitles_path', jobs.subtitles_path, 'aspect_ratio', jobs.settings -> 'aspect_ratio',
      'has_drawn_subtitles',
      coalesce(jobs.settings -> 'burn_in' = 'true', false) and not 'subtitles' = any (jobs.skipped_extras),
      'seconds_left', floor(extract(epoch from shares.expires_at - v_now))::bigint)
    from private.video_shares as shares join public.video_jobs as jobs using (job_id)
    where shares.token_hash = sha256(convert_to(p_token, 'UTF8'))
      and (shares.expires_at is null or shares.expires_at > v_now) and jobs.status = 'completed');
end;
$$;

revoke execute on function public.read_share(text) from public, anon, authenticated;
grant execute on function public.read_share(text) to service_role;
