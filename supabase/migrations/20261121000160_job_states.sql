-- The state machine of a job: every allowed change of its status and stage, and the procedures that make it. Every
-- other change is refused, for all roles. docs/state-machine.md shows the same table, and a test compares the two.

-- All allowed changes of (status, stage), each with the procedures that make it.
create function private.job_changes()
returns table (
  from_status text,
  from_stage text,
  to_status text,
  to_stage text,
  made_by text[]
)
language plpgsql
immutable
security invoker
set search_path = ''
as $$
begin
  return query values
    ('pending', 'submitting', 'processing', 'queued', array['record_submission']),
    ('pending', 'submitting', 'processing', 'generating', array['adopt_run']),
    ('pending', 'submitting', 'failed', 'failed', array['fail_job']),
    ('processing', 'submitting', 'processing', 'queued', array['record_submission']),
    ('processing', 'submitting', 'processing', 'generating', array['adopt_run']),
    ('processing', 'submitting', 'processing', 'storing', array['skip_step']),
    ('processing', 'submitting', 'failed', 'failed', array['fail_job']),
    ('processing', 'queued', 'processing', 'generating', array['adopt_run', 'cancel_job', 'delete_videos', 'record_looks', 'record_progress']),
    ('processing', 'queued', 'processing', 'submitting', array['advance_step', 'skip_step', 'schedule_retry']),
    ('processing', 'queued', 'processing', 'storing', array['advance_step', 'skip_step']),
    ('processing', 'queued', 'failed', 'failed', array['fail_job']),
    ('processing', 'generating', 'processing', 'queued', array['record_looks', 'record_progress']),
    ('processing', 'generating', 'processing', 'submitting', array['advance_step', 'skip_step', 'schedule_retry']),
    ('processing', 'generating', 'processing', 'storing', array['advance_step', 'skip_step']),
    ('processing', 'generating', 'failed', 'failed', array['fail_job']),
    ('processing', 'storing', 'completed', 'completed', array['complete_job']),
    ('processing', 'storing', 'failed', 'failed', array['fail_job']);
end;
$$;

revoke execute on function private.job_changes() from public, anon, authenticated;
grant execute on function private.job_changes() to service_role;

-- Refuses a change of status or stage that is not in the table above.
create function private.refuse_other_job_change()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if exists (
    select from private.job_changes() as change
    where (change.from_status, change.from_stage, change.to_status, change.to_stage)
      = (old.status, old.stage, new.status, new.stage)) then
    return new;
  end if;
  raise exception 'A job does not go from % (%) to % (%): see docs/state-machine.md',
    old.status, old.stage, new.status, new.stage using errcode = 'restrict_violation';
end;
$$;

revoke execute on function private.refuse_other_job_change() from public, anon, authenticated;

create trigger job_changes_are_allowed before update of status, stage on public.video_jobs
  for each row when ((old.status, old.stage) is distinct from (new.status, new.stage))
  execute function private.refuse_other_job_change();
