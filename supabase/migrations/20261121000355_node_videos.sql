-- The job of a node as all members of its project see it.

-- What a poll of the canvas needs, in one call: as read_job, with the link that the node got as `video_url`. By a job's
-- id, or by a node for its newest job. A member of a node's project reads the node's newest job, whoever asked for it;
-- of any other job only its user. Null for one that does not exist or is not theirs.
create function public.read_node_job(
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
as $$
declare
  v_found record;
begin
  select jobs.job_id, jobs.user_id, case when video_job_id = jobs.job_id then node_jobs.video_url end as video_url
  into v_found
  from private.node_jobs
    join public.nodes on nodes.id = node_jobs.node_id
    join public.project_members as members using (project_id)
    join public.video_jobs as jobs using (job_id)
  where members.user_id = p_user_id
    and (node_jobs.job_id = p_job_id or node_jobs.node_id = private.to_uuid(p_node_id));
  if not found then
    return public.read_job(p_user_id, p_job_id, p_node_id, p_lease_seconds) || '{"video_url": null}';
  end if;
  return public.read_job(v_found.user_id, v_found.job_id, null, p_lease_seconds)
    || jsonb_build_object('video_url', v_found.video_url);
end;
$$;

revoke execute on function public.read_node_job(uuid, uuid, text, integer) from public, anon, authenticated;
grant execute on function public.read_node_job(uuid, uuid, text, integer) to service_role;
