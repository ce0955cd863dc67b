-- The owner changes their mind.

-- Cancels a user's unfinished job and refunds it in full: { cancelled, job, work }, with what the caller needs to stop the
-- run at the provider. A finished job is left as it is; null for one that is not there or not the user's.
create function public.cancel_job(
  p_user_id uuid,
  p_job_id uuid
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_locked record := private.lock_job(p_job_id, null);
  v_job public.video_jobs := v_locked.job;
  v_work private.job_work := v_locked.work;
  v_failed jsonb;
begin
  if v_job.user_id is distinct from p_user_id then
    return null;
  end if;
  v_failed := public.fail_job(p_job_id, v_work.attempt, 'cancelled', 'The video was cancelled');
  return jsonb_build_object(
    'cancelled', v_failed -> 'applied', 'job', v_failed -> 'job', 'work', private.work_json(v_job, v_work, false));
end;
$$;

revoke execute on function public.cancel_job(uuid, uuid) from public, anon, authenticated;
grant execute on function public.cancel_job(uuid, uuid) to service_role;
