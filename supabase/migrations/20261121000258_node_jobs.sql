-- Videos for nodes: which node a request is for, and how the end of its job reaches the node, in the job's own
-- transaction. Nodes are locked after all that is locked for a job and its money.

-- The jobs of each node that matter to it: the newest, which is the only one that writes it, and the one whose video it
-- shows.
create table private.node_jobs (
  node_id uuid primary key references public.nodes (id) on delete cascade,
  -- The newest; null once it is deleted. No foreign key: the node is put right after its job was deleted.
  job_id uuid,
  -- The address of the functions, as the function that started the newest knows it: for the link, where the database does
  -- not know it itself.
  functions_url text,
  -- The last one whose link the node got, and that link.
  video_job_id uuid,
  video_url text,
  constraint a_job_is_of_one_node unique (job_id),
  constraint a_video_is_of_one_node unique (video_job_id)
);

alter table private.node_jobs enable row level security;
create policy "Only the service role joins nodes and jobs" on private.node_jobs
  for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.node_jobs to service_role;

-- A text as a UUID; null where it is none.
create function private.to_uuid(
  p_text text
)
returns uuid
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return case when p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p_text::uuid end;
end;
$$;

revoke execute on function private.to_uuid(text) from public, anon, authenticated;
grant execute on function private.to_uuid(text) to service_role;

-- The node that a request is for, locked, and whether the request is allowed. A name that is no node of the user's
-- projects is a free one, unless the request needs a node: a stranger learns nothing about a node.
create function private.requested_node(
  p_user_id uuid,
  p_node_id text,
  p_needs_node boolean,
  out node_id uuid,
  out is_allowed boolean
)
returns record
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_node_id uuid := private.to_uuid(p_node_id);
begin
  if v_node_id is not null then
    select nodes.id, members.role <> 'viewer' into node_id, is_allowed
    from public.nodes join public.project_members as members using (project_id)
    where nodes.id = v_node_id and members.user_id = p_user_id
    for no key update of nodes;
  end if;
  is_allowed := coalesce(is_allowed, not p_needs_node);
end;
$$;

revoke execute on function private.requested_node(uuid, text, boolean) from public, anon, authenticated;
grant execute on function private.requested_node(uuid, text, boolean) to service_role;

-- Makes a new job the one that its locked node waits for.
create function private.begin_node_job(
  p_node_id uuid,
  p_job_id uuid,
  p_functions_url text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  update public.nodes set status = 'processing', error_message = null where id = p_node_id;
  insert into private.node_jobs (node_id, job_id, functions_url) values (p_node_id, p_job_id, p_functions_url)
  on conflict (node_id) do update set job_id = excluded.job_id, functions_url = excluded.functions_url;
end;
$$;

revoke execute on function private.begin_node_job(uuid, uuid, text) from public, anon, authenticated;
grant execute on function private.begin_node_job(uuid, uuid, text) to service_role;

-- Locks the node that waits for a job or shows its video; null where none does.
create function private.lock_node_of_job(
  p_job_id uuid
)
returns uuid
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  perform from public.nodes where id = (
    select node_id from private.node_jobs where job_id = p_job_id or video_job_id = p_job_id)
  for no key update;
  -- Read again: while we waited for the lock, a newer job may have taken the node.
  return (select node_id from private.node_jobs where job_id = p_job_id or video_job_id = p_job_id);
end;
$$;

revoke execute on function private.lock_node_of_job(uuid) from public, anon, authenticated;
grant execute on function private.lock_node_of_job(uuid) to service_role;

-- Writes the end of a job to the node that waits for it: the video's address, or the reason of the failure.
create function private.end_node_job()
returns trigger
language plpgsql
volatile
-- Runs as the owner: also Supabase Auth's role, which deletes users, ends jobs.
security definer
set search_path = ''
as $$
declare
  v_node_id uuid := private.lock_node_of_job(new.job_id);
  v_share jsonb;
  v_video_url text;
begin
  if v_node_id is null then
    return null;
  end if;
  if new.status = 'completed' then
    v_share := private.create_share(new.job_id);
    v_video_url := coalesce(v_share ->> 'url', (
      select functions_url || '/share/' || (v_share ->> 'token') from private.node_jobs where node_id = v_node_id));
    update private.node_jobs set video_job_id = new.job_id, video_url = v_video_url
    where node_id = v_node_id and v_video_url is not null;
  end if;
  update public.nodes set
    status = new.status, error_message = left(new.error_message, 500),
    data = data || case when v_video_url is null then '{}' else jsonb_build_object('video_url', v_video_url) end
  where id = v_node_id;
  return null;
end;
$$;

revoke execute on function private.end_node_job() from public, anon, authenticated;

-- Puts the node right whose job was deleted: nothing is behind the address of its video any more, and a node whose
-- newest job is gone waits for nothing.
create function private.forget_node_job()
returns trigger
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_node_id uuid := private.lock_node_of_job(old.job_id);
begin
  if v_node_id is null then
    return null;
  end if;
  update public.nodes set
    status = case when known.job_id = old.job_id then 'idle' else status end,
    error_message = case when known.job_id = old.job_id then null else error_message end,
    data = case when known.video_job_id = old.job_id and data ->> 'video_url' = known.video_url
      then data - 'video_url' else data end
  from private.node_jobs as known
  where nodes.id = v_node_id and known.node_id = v_node_id;
  update private.node_jobs set
    job_id = nullif(job_id, old.job_id), video_job_id = nullif(video_job_id, old.job_id),
    video_url = case when video_job_id <> old.job_id then video_url end
  where node_id = v_node_id;
  delete from private.node_jobs where node_id = v_node_id and job_id is null and video_job_id is null;
  return null;
end;
$$;

revoke execute on function private.forget_node_job() from public, anon, authenticated;

-- Deferred to the end of the transaction, when balances are locked already: two transactions that each have one of a
-- node and a balance would wait for each other.
create constraint trigger node_hears_of_the_end_of_its_job after update of status on public.video_jobs
  deferrable initially deferred
  for each row when (old.status <> new.status and new.status in ('completed', 'failed') and char_length(new.node_id) = 36)
  execute function private.end_node_job();
create constraint trigger node_hears_that_its_job_is_gone after delete on public.video_jobs
  deferrable initially deferred
  for each row when (char_length(old.node_id) = 36)
  execute function private.forget_node_job();
