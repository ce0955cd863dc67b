-- The videos of a user: listing them, and what has changed since.

-- What is left of a deleted video, so that a client that was away learns of it.
create table public.deleted_videos (
  job_id uuid primary key,
  user_id uuid not null references auth.users (id) on delete cascade,
  deleted_at timestamptz not null
);

create index deleted_videos_by_user on public.deleted_videos (user_id, deleted_at);

alter table public.deleted_videos enable row level security;
create policy "Only the service role reads tombstones" on public.deleted_videos
  for all to service_role using (true) with check (true);
revoke all on public.deleted_videos from anon, authenticated, service_role;
grant select, insert, delete on public.deleted_videos to service_role;

-- A time as microseconds since 1970, and back; cursors and millisecond instants are made of them, exactly.
create function private.to_microseconds(
  p_time timestamptz
)
returns bigint
language sql
immutable
security invoker
set search_path = ''
as $$
  select (extract(epoch from p_time) * 1000000)::bigint;
$$;

revoke execute on function private.to_microseconds(timestamptz) from public, anon, authenticated;
grant execute on function private.to_microseconds(timestamptz) to service_role;

create function private.from_microseconds(
  p_microseconds bigint
)
returns timestamptz
language sql
immutable
security invoker
set search_path = ''
as $$
  select timestamptz 'epoch' + p_microseconds * interval '1 microsecond';
$$;

revoke execute on function private.from_microseconds(bigint) from public, anon, authenticated;
grant execute on function private.from_microseconds(bigint) to service_role;

-- A page of a user's videos, newest first: { videos, next, server_time_ms }. `next` names the last row of the page, for
-- the arguments p_before_*; null on the last page. What changes later than server_time_ms is told by changed_videos.
create function public.list_videos(
  p_user_id uuid,
  p_limit integer,
  p_status text default null,
  p_before_microseconds bigint default null,
  p_before_job_id uuid default null,
  p_node_id text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_horizon timestamptz := private.settle_changes(p_user_id);
  v_page jsonb;
begin
  select jsonb_agg(row order by created_at desc, job_id desc) into v_page
  from (
    select created_at, job_id, jsonb_build_object(
      'at', private.to_microseconds(created_at)::text, 'job_id', job_id, 'video', private.job_json(jobs)) as row
    from public.video_jobs as jobs
    where user_id = p_user_id
      and (p_status is null or status = p_status) and (p_node_id is null or node_id = p_node_id)
      and (p_before_job_id is null
        or (created_at, job_id) < (private.from_microseconds(p_before_microseconds), p_before_job_id))
    order by created_at desc, job_id desc
    limit p_limit + 1
  ) as page;
  return private.page_json(v_page, p_limit, v_horizon);
end;
$$;

revoke execute on function public.list_videos(uuid, integer, text, bigint, uuid, text) from public, anon, authenticated;
grant execute on function public.list_videos(uuid, integer, text, bigint, uuid, text) to service_role;

-- What has changed in a user's videos since an instant, in the order of the changes, deleted ones as { job_id,
-- deleted_at }: { videos, next, server_time_ms }. Asking again with server_time_ms as the instant misses nothing and
-- repeats nothing. A second page is asked for with the same instants: p_until_ms is the first page's server_time_ms.
create function public.changed_videos(
  p_user_id uuid,
  p_since_ms bigint,
  p_limit integer,
  p_status text default null,
  p_until_ms bigint default null,
  p_after_microseconds bigint default null,
  p_after_job_id uuid default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_horizon timestamptz := coalesce(private.from_microseconds(p_until_ms * 1000), private.settle_changes(p_user_id));
  v_since timestamptz := private.from_microseconds(p_since_ms * 1000);
  v_page jsonb;
begin
  select jsonb_agg(row order by changed_at, job_id) into v_page
  from (
    select changed_at, job_id, jsonb_build_object(
      'at', private.to_microseconds(changed_at)::text, 'job_id', job_id, 'video', video) as row
    from (
      select updated_at as changed_at, job_id, private.job_json(jobs) as video
      from public.video_jobs as jobs
      where user_id = p_user_id and (p_status is null or status = p_status)
        and updated_at >= v_since and updated_at < v_horizon
      union all
      select deleted_at, job_id, jsonb_build_object('job_id', job_id, 'deleted_at', private.iso_time(deleted_at))
      from public.deleted_videos
      where user_id = p_user_id and deleted_at >= v_since and deleted_at < v_horizon
    ) as changes
    where p_after_job_id is null
      or (changed_at, job_id) > (private.from_microseconds(p_after_microseconds), p_after_job_id)
    order by changed_at, job_id
    limit p_limit + 1
  ) as page;
  return private.page_json(v_page, p_limit, v_horizon);
end;
$$;

revoke execute on function public.changed_videos(uuid, bigint, integer, text, bigint, bigint, uuid)
  from public, anon, authenticated;
grant execute on function public.changed_videos(uuid, bigint, integer, text, bigint, bigint, uuid) to service_role;

-- Waits until the changes of a user's jobs that are under way are committed, and says until when all of them can be
-- seen: a whole millisecond, before which nothing will change any more.
create function private.settle_changes(
  p_user_id uuid
)
returns timestamptz
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_user_id::text, 0));
  return date_trunc('milliseconds', private.clock());
end;
$$;

revoke execute on function private.settle_changes(uuid) from public, anon, authenticated;
grant execute on function private.settle_changes(uuid) to service_role;

-- The answer of a listing, made of one row more than the page has.
create function private.page_json(
  p_rows jsonb,
  p_limit integer,
  p_horizon timestamptz
)
returns jsonb
language sql
immutable
security invoker
set search_path = ''
as $$
  select jsonb_build_object(
    'videos', coalesce((
      select jsonb_agg(row -> 'video' order by place)
      from jsonb_array_elements(p_rows) with ordinality as rows (row, place) where place <= p_limit), '[]'),
    'next', case when jsonb_array_length(p_rows) > p_limit then (p_rows -> (p_limit - 1)) - 'video' end,
    'server_time_ms', private.to_microseconds(p_horizon) / 1000);
$$;

revoke execute on function private.page_json(jsonb, integer, timestamptz) from public, anon, authenticated;
grant execute on function private.page_json(jsonb, integer, timestamptz) to service_role;
