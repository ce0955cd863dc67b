-- What happens to an upload: it is checked before a job may use it, kept while a job uses it, and deleted afterwards.

-- Returns why the files of a request cannot be used, or not yet; null when they can. Their rows stay locked until the
-- caller's transaction ends.
create function private.input_problem(
  p_user_id uuid,
  p_paths text[]
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_path text;
  v_upload private.uploads;
  v_stored record;
begin
  foreach v_path in array array_remove(p_paths, null) loop
    select * into v_upload from private.uploads where path = v_path and user_id = p_user_id for key share;
    select * into v_stored from private.stored_upload(v_path);
    if v_upload.refused_bytes is not null then
      return jsonb_build_object('outcome', 'input_refused', 'path', v_path);
    end if;
    if v_upload.path is null or v_stored.version is null then
      return jsonb_build_object('outcome', 'input_missing', 'path', v_path);
    end if;
    if v_upload.checked_version is distinct from v_stored.version then
      return jsonb_build_object('outcome', 'input_unchecked', 'path', v_path,
        'content_type', v_upload.content_type, 'version', v_stored.version, 'bytes', v_stored.bytes);
    end if;
  end loop;
  return null;
end;
$$;

revoke execute on function private.input_problem(uuid, text[]) from public, anon, authenticated;
grant execute on function private.input_problem(uuid, text[]) to service_role;

-- Records what the first bytes of a version of an upload showed. A file of another type than declared is refused for
-- good and enqueued for deletion.
create function public.record_checked_upload(
  p_path text,
  p_version text,
  p_is_as_declared boolean
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_is_as_declared then
    update private.uploads set checked_version = p_version where path = p_path and refused_bytes is null;
    return;
  end if;
  update private.uploads set checked_version = null,
    refused_bytes = coalesce((select bytes from private.stored_upload(p_path)), private.max_upload_bytes())
  where path = p_path and refused_bytes is null;
  if found then
    insert into private.files_to_delete (bucket, path, since) values ('inputs', p_path, private.clock())
    on conflict do nothing;
  end if;
end;
$$;

revoke execute on function public.record_checked_upload(text, text, boolean) from public, anon, authenticated;
grant execute on function public.record_checked_upload(text, text, boolean) to service_role;

-- Deletes up to p_limit uploads older than a day that only failed jobs use, since those cost their users nothing, and
-- enqueues up to p_limit files that have no row. Returns the number of both.
create function public.delete_expired_uploads(
  p_limit integer
)
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_paths text[];
  v_deleted integer;
  v_strays integer;
begin
  v_paths := array(
    select path from private.uploads
    where created_at <= v_now - interval '1 day' and not exists (
      select from public.video_jobs
      where (image_path = uploads.path or tail_image_path = uploads.path) and status <> 'failed')
    order by created_at
    limit p_limit
    for update skip locked);
  -- Checked again now that the rows are locked: a request may have come before the lock.
  delete from private.uploads where path = any (v_paths) and not exists (
    select from public.video_jobs
      where (image_path = uploads.path or tail_image_path = uploads.path) and status <> 'failed');
  get diagnostics v_deleted = row_count;

  insert into private.files_to_delete (bucket, path, since)
  select 'inputs', path, least(v_now, private.address_expiry(created_at)) from private.stray_uploads(p_limit)
  on conflict do nothing;
  get diagnostics v_strays = row_count;
  return v_deleted + v_strays;
end;
$$;

revoke execute on function public.delete_expired_uploads(integer) from public, anon, authenticated;
grant execute on function public.delete_expired_uploads(integer) to service_role;
