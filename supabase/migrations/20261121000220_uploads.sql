-- Users' images: POST /uploads returns the address to upload to, and writes a row. An upload is kept for a day, and
-- longer while a job that has not failed uses it.

create table private.uploads (
  path text primary key,
  user_id uuid not null references public.credit_balances (user_id) on delete cascade,
  content_type text not null,
  created_at timestamptz not null,
  -- The version of the file whose first bytes were checked. A finished upload uses up its address, but a slower upload
  -- that began earlier replaces the file: then the version differs, and the file is checked again.
  checked_version text,
  -- The size of a file that was deleted because it was of another type: it counts towards the user's day.
  refused_bytes bigint,
  constraint upload_is_in_its_users_folder check (starts_with(path, user_id || '/')),
  constraint upload_is_an_image check (content_type in ('image/jpeg', 'image/png', 'image/webp', 'image/gif')),
  constraint upload_is_not_both_taken_and_refused check (checked_version is null or refused_bytes is null)
);

create index uploads_by_user on private.uploads (user_id, created_at);
create index uploads_by_age on private.uploads (created_at);

alter table private.uploads enable row level security;
create policy "Only the service role keeps uploads" on private.uploads
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.uploads to service_role;

-- When an upload address stops working: Supabase's own limit.
create function private.address_expiry(
  p_time timestamptz
)
returns timestamptz
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return p_time + interval '2 hours';
end;
$$;

revoke execute on function private.address_expiry(timestamptz) from public, anon, authenticated;
grant execute on function private.address_expiry(timestamptz) to service_role;

-- When the row of an upload is deleted, its file is enqueued for deletion.
create function private.enqueue_upload_file()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  insert into private.files_to_delete (bucket, path, since)
  values ('inputs', old.path, least(private.clock(), private.address_expiry(old.created_at)))
  on conflict do nothing;
  return null;
end;
$$;

revoke execute on function private.enqueue_upload_file() from public, anon, authenticated;

create trigger uploads_take_their_files_along after delete on private.uploads
  for each row execute function private.enqueue_upload_file();

-- The file of an upload in Storage; no row when there is none.
create function private.stored_upload(
  p_path text
)
returns table (
  version text,
  bytes bigint
)
language plpgsql
stable
-- Runs as the owner, like the next two: the service role cannot read Storage's tables.
security definer
set search_path = ''
as $$
begin
  return query
    select coalesce(objects.version, id::text), (metadata ->> 'size')::bigint from storage.objects
    where bucket_id = 'inputs' and name = p_path;
end;
$$;

revoke execute on function private.stored_upload(text) from public, anon, authenticated;
grant execute on function private.stored_upload(text) to service_role;

-- The maximum size of an upload.
create function private.max_upload_bytes()
returns bigint
language plpgsql
stable
security definer
set search_path = ''
as $$
begin
  return (select file_size_limit from storage.buckets where id = 'inputs');
end;
$$;

revoke execute on function private.max_upload_bytes() from public, anon, authenticated;
grant execute on function private.max_upload_bytes() to service_role;

-- Up to p_limit files that have no row and are not enqueued for deletion, such as an upload to an address that was
-- still valid after its user was deleted.
create function private.stray_uploads(
  p_limit integer
)
returns table (
  path text,
  created_at timestamptz
)
language sql
stable
security definer
set search_path = ''
as $$
  select name, objects.created_at from storage.objects
  where bucket_id = 'inputs'
    and not exists (select from private.uploads where uploads.path = name)
    and not exists (select from private.files_to_delete as waiting where waiting.bucket = 'inputs' and waiting.path = name)
  limit p_limit;
$$;

revoke execute on function private.stray_uploads(integer) from public, anon, authenticated;
grant execute on function private.stray_uploads(integer) to service_role;

-- Returns the daily limit that one more upload may break; null when none. Call it with the balance locked. An unused
-- address counts with the largest file that it may bring.
create function private.upload_limit_problem(
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
  v_count integer;
  v_bytes bigint;
  v_next_count timestamptz;
  v_next_bytes timestamptz;
begin
  with given as (
    select created_at, coalesce(refused_bytes, bytes) as used
    from private.uploads left join lateral private.stored_upload(path) on true
    where user_id = p_user_id and created_at > v_now - interval '1 day'
  ), counted as (
    select created_at,
      case when used is null then private.max_upload_bytes() else used end as bytes,
      case when used is null then private.address_expiry(created_at) else created_at + interval '1 day' end
        as counts_until
    from given
  )
  select count(*), coalesce(sum(bytes) filter (where counts_until > v_now), 0), min(created_at) + interval '1 day',
    min(counts_until) filter (where counts_until > v_now)
  into v_count, v_bytes, v_next_count, v_next_bytes from counted;

  if v_count >= v_settings.uploads_per_day then
    return private.limit_reached('upload_limit_reached', v_settings.uploads_per_day, v_next_count);
  elsif v_bytes + private.max_upload_bytes() > v_settings.upload_bytes_per_day then
    return private.limit_reached('upload_limit_reached', v_settings.upload_bytes_per_day,
      coalesce(v_next_bytes, v_now + interval '1 day'));
  end if;
  return null;
end;
$$;

revoke execute on function private.upload_limit_problem(uuid) from public, anon, authenticated;
grant execute on function private.upload_limit_problem(uuid) to service_role;

-- Creates the path of a new upload, or returns why not: { outcome, … }.
create function public.start_upload(
  p_user_id uuid,
  p_content_type text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_outcome jsonb;
  v_path text := p_user_id || '/' || gen_random_uuid() || '.'
    || case p_content_type when 'image/jpeg' then 'jpg' else split_part(p_content_type, '/', 2) end;
begin
  -- The uploads of a user are counted one at a time.
  perform from public.credit_balances where user_id = p_user_id for update;
  perform private.require_account(p_user_id);
  v_outcome := private.upload_limit_problem(p_user_id);
  if v_outcome is not null then
    return v_outcome;
  end if;
  insert into private.uploads (path, user_id, content_type, created_at)
  values (v_path, p_user_id, p_content_type, private.clock());
  return jsonb_build_object('outcome', 'created', 'path', v_path, 'max_bytes', private.max_upload_bytes());
end;
$$;

revoke execute on function public.start_upload(uuid, text) from public, anon, authenticated;
grant execute on function public.start_upload(uuid, text) to service_role;
