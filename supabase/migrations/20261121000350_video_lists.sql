-- The videos of a user: one of them, pages of them, and what has changed since.

-- What a status poll needs, in one call: { job, leased_job }; `leased_job` only if the job was due and is now the
-- caller's to advance. Null for a job that does not exist or is not the user's. A poll of a job that is not due writes
-- nothing, but for the first that shows its end.
create function public.read_job(
  p_user_id uuid,
  p_job_id uuid default null,
  p_node_id text default null,
  p_lease_seconds integer default 60
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
-- Most calls are on a connection that has seen few of them, and the plan for any arguments is the plan for these.
set plan_cache_mode = 'force_generic_plan'
as $$
declare
  v_job_id uuid;
  v_job jsonb;
  v_may_be_due boolean;
  v_is_news boolean;
begin
  select jobs.job_id, private.job_json(jobs), next_check_at <= private.clock(),
    completed_at is not null and told_at is null and completed_at > private.told_since()
  into v_job_id, v_job, v_may_be_due, v_is_news
  from public.video_jobs as jobs left join private.job_queue using (job_id)
  where jobs.user_id = p_user_id and jobs.job_id = coalesce(p_job_id, (
    select job_id from public.video_jobs
    where node_id = p_node_id and user_id = p_user_id
    order by created_at desc, job_id desc
    limit 1));
  if not found then
    perform private.require_account(p_user_id);
    return null;
  end if;
  if v_is_news then
    perform private.note_told(array[v_job_id]);
  end if;
  return jsonb_build_object(
    'job', v_job, 'leased_job', case when v_may_be_due then public.lease_job(v_job_id, p_lease_seconds) end);
end;
$$;

revoke execute on function public.read_job(uuid, uuid, text, integer) from public, anon, authenticated;
grant execute on function public.read_job(uuid, uuid, text, integer) to service_role;

-- A time as microseconds since 1970, and back, both exact; cursors and instants in milliseconds are made from them.
create function private.to_microseconds(
  p_time timestamptz
)
returns bigint
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return (extract(epoch from p_time) * 1000000)::bigint;
end;
$$;

revoke execute on function private.to_microseconds(timestamptz) from public, anon, authenticated;
grant execute on function private.to_microseconds(timestamptz) to service_role;

create function private.from_microseconds(
  p_microseconds bigint
)
returns timestamptz
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return timestamptz 'epoch' + p_microseconds * interval '1 microsecond';
end;
$$;

revoke execute on function private.from_microseconds(bigint) from public, anon, authenticated;
grant execute on function private.from_microseconds(bigint) to service_role;

-- A page of a user's videos, newest first: { videos, next, server_time_ms }. `next` is the last row of the page, for
-- the arguments p_before_*; null on the last page. changed_videos lists what changes after server_time_ms.
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
-- With a plan for these arguments, unused filters are removed and an index serves the others.
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_horizon timestamptz := private.horizon_of(p_user_id);
  v_before timestamptz := coalesce(private.from_microseconds(p_before_microseconds), 'infinity');
  v_before_id uuid := coalesce(p_before_job_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  v_told_since timestamptz := private.told_since();
  v_videos jsonb;
  v_last jsonb;
  v_is_more boolean;
  v_told uuid[];
begin
  perform private.require_account(p_user_id);
  select jsonb_agg(private.job_json(job) order by place) filter (where place <= p_limit),
    jsonb_agg(jsonb_build_object('at', private.to_microseconds((job).created_at)::text, 'job_id', (job).job_id))
      filter (where place = p_limit) -> 0,
    count(*) > p_limit,
    array_agg((job).job_id) filter (where place <= p_limit and (job).completed_at > v_told_since)
  into v_videos, v_last, v_is_more, v_told
  from (
    select jobs as job, row_number() over (order by created_at desc, job_id desc) as place
    from public.video_jobs as jobs
    where user_id = p_user_id
      and (p_status is null or status = p_status) and (p_node_id is null or node_id = p_node_id)
      and (created_at, job_id) < (v_before, v_before_id)
    order by created_at desc, job_id desc
    -- One more than the page has, which tells whether there is another page.
    limit p_limit + 1
  ) as page;
  if v_told is not null then
    perform private.note_told(v_told);
  end if;
  return jsonb_build_object('videos', coalesce(v_videos, '[]'), 'next', case when v_is_more then v_last end,
    'server_time_ms', private.to_microseconds(v_horizon) / 1000);
end;
$$;

revoke execute on function public.list_videos(uuid, integer, text, bigint, uuid, text) from public, anon, authenticated;
grant execute on function public.list_videos(uuid, integer, text, bigint, uuid, text) to service_role;

-- The changes of a user's videos since an instant, in their order; a deleted video is { job_id, deleted_at }: { videos,
-- next, server_time_ms, deletions_since }. The next call with server_time_ms as the instant misses nothing and repeats
-- nothing. Further pages are asked for with the same instants: p_until_ms is the first page's server_time_ms. Deletions
-- before deletions_since are forgotten.
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
set plan_cache_mode = 'force_custom_plan'
as $$
declare
  v_since timestamptz := private.from_microseconds(p_since_ms * 1000);
  -- If the caller knows everything before v_since, a running change must not make the answer go back before it.
  v_until timestamptz := coalesce(private.from_microseconds(p_until_ms * 1000),
    greatest(private.horizon_of(p_user_id), least(v_since, date_trunc('milliseconds', private.clock()))));
  -- The one bound that the page begins after: of two, Postgres may begin to read at the earlier. No job has this id.
  v_after timestamptz := greatest(v_since, private.from_microseconds(p_after_microseconds));
  v_after_id uuid := coalesce(p_after_job_id, '00000000-0000-0000-0000-000000000000');
  v_told_since timestamptz := private.told_since();
  v_videos jsonb;
  v_last jsonb;
  v_is_more boolean;
  v_told uuid[];
begin
  perform private.require_account(p_user_id);
  select jsonb_agg(coalesce(private.job_json(jobs), jsonb_build_object(
      'job_id', page.job_id, 'deleted_at', private.iso_time(changed_at))) order by place) filter (where place <= p_limit),
    jsonb_agg(jsonb_build_object('at', private.to_microseconds(changed_at)::text, 'job_id', page.job_id))
      filter (where place = p_limit) -> 0,
    count(*) > p_limit,
    array_agg(page.job_id) filter (where place <= p_limit and jobs.completed_at > v_told_since)
  into v_videos, v_last, v_is_more, v_told
  from (
    select changes.*, row_number() over (order by changed_at, job_id) as place
    from (
      (select updated_at as changed_at, job_id, true as is_there
        from public.video_jobs
        where user_id = p_user_id and (p_status is null or status = p_status)
          and updated_at < v_until and (updated_at, job_id) > (v_after, v_after_id)
        order by updated_at, job_id
        limit p_limit + 1)
      union all
      (select deleted_at, job_id, false
        from public.deleted_videos
        where user_id = p_user_id
          and deleted_at < v_until and (deleted_at, job_id) > (v_after, v_after_id)
        order by deleted_at, job_id
        limit p_limit + 1)
    ) as changes
    order by changed_at, job_id
    limit p_limit + 1
  ) as page left join public.video_jobs as jobs on is_there and jobs.job_id = page.job_id;
  if v_told is not null then
    perform private.note_told(v_told);
  end if;
  return jsonb_build_object('videos', coalesce(v_videos, '[]'), 'next', case when v_is_more then v_last end,
    'server_time_ms', private.to_microseconds(v_until) / 1000,
    'deletions_since', private.iso_time(private.tombstones_since()));
end;
$$;

revoke execute on function public.changed_videos(uuid, bigint, integer, text, bigint, bigint, uuid)
  from public, anon, authenticated;
grant execute on function public.changed_videos(uuid, bigint, integer, text, bigint, bigint, uuid) to service_role;
