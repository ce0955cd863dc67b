-- What a row of video_jobs may hold. Each rule is refused under its own name, for every role, as a constraint is.
-- They are two triggers because Postgres reads and prepares each CHECK of a table again in every statement that writes a
-- row, while the procedures of a connection keep their expressions: a job is written ten times in its life, and 26 checks
-- took half the time of each write.

-- Refuses a row under the name of the rule that it breaks.
create function private.refuse_job(
  p_job_id uuid,
  p_rule text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  raise exception 'The row of job % violates constraint "%"', p_job_id, p_rule
    using errcode = 'check_violation', schema = 'public', table = 'video_jobs', constraint = p_rule;
end;
$$;

revoke execute on function private.refuse_job(uuid, text) from public, anon, authenticated;
grant execute on function private.refuse_job(uuid, text) to service_role;

-- The rules of what is fixed when a job is written for the first time.
create function private.check_requested_job()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_rule text := case
    when not new.kind in ('generation', 'transition') then 'job_kind_is_known'
    when not char_length(new.prompt) between 1 and 5000 then 'job_prompt_is_bounded'
    when not char_length(new.node_id) between 1 and 128 then 'job_node_id_is_bounded'
    when not char_length(new.image_url) <= 2048 then 'job_image_url_is_bounded'
    when not char_length(new.tail_image_url) <= 2048 then 'job_tail_image_url_is_bounded'
    when num_nonnulls(new.image_url, new.image_path) > 1 or num_nonnulls(new.tail_image_url, new.tail_image_path) > 1
      then 'job_has_one_image'
    when not starts_with(new.image_path, new.user_id || '/') or not starts_with(new.tail_image_path, new.user_id || '/')
      then 'job_image_file_is_the_owners'
    when not new.seconds >= 0 then 'job_length_is_not_negative' end;
begin
  if v_rule is not null then
    perform private.refuse_job(new.job_id, v_rule);
  end if;
  return new;
end;
$$;

revoke execute on function private.check_requested_job() from public, anon, authenticated;

-- The rules of what changes in the life of a job, its money above all.
create function private.check_job()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_rule text := case
    when not new.status in ('pending', 'processing', 'completed', 'failed') then 'job_status_is_known'
    when not new.stage in ('submitting', 'queued', 'generating', 'storing', 'completed', 'failed')
      then 'job_stage_is_known'
    when not new.progress_percent between 0 and 100 then 'job_percent_is_a_percentage'
    when not (new.steps > 0 and new.steps = cardinality(new.step_names) and new.step between 0 and new.steps)
      then 'job_step_is_one_of_its_steps'
    when not new.attempts > 0 then 'job_attempts_are_counted'
    when not new.provider ?& array['name', 'model', 'request_id'] then 'job_provider_is_named'
    when not (new.credits_used > 0 or (new.imported_from is not null and new.credits_used = 0))
      then 'job_charge_is_positive'
    when not (new.imported_from is null or new.completed_at is not null) then 'imported_job_is_finished'
    when not ((new.status in ('completed', 'failed')) = (new.completed_at is not null)) then 'finished_job_says_when'
    when not ((new.status = 'failed') = (new.error_code is not null)) then 'failed_job_says_why'
    when not (new.credits_refunded >= 0 and (new.status in ('completed', 'failed') or new.credits_refunded = 0)
        and (new.status <> 'completed' or new.credits_refunded = 0 or cardinality(new.skipped_extras) > 0))
      then 'delivered_job_is_refunded_for_skipped_extras'
    when not (case when new.imported_from is null
        then (new.status = 'failed') = (new.credits_refunded = new.credits_used)
        -- What was free is refunded in full whatever becomes of it.
        else new.credits_refunded = case new.status when 'failed' then new.credits_used else 0 end end)
      then 'failed_job_is_refunded_in_full'
    when not (new.status <> 'completed' or new.video_path is not null or new.video_url is not null)
      then 'completed_job_has_a_video'
    when not (new.status <> 'completed' or new.files_are_public or new.video_path is not null)
      then 'private_video_is_delivered_from_our_copy' end;
begin
  if v_rule is not null then
    perform private.refuse_job(new.job_id, v_rule);
  end if;
  return new;
end;
$$;

revoke execute on function private.check_job() from public, anon, authenticated;

create trigger requested_jobs_are_possible
  before insert or update of kind, prompt, node_id, image_url, image_path, tail_image_url, tail_image_path, user_id, seconds
  on public.video_jobs for each row execute function private.check_requested_job();
create trigger jobs_are_possible before insert or update on public.video_jobs
  for each row execute function private.check_job();
-- As a constraint they hold also where triggers are off for a copy of the data.
alter table public.video_jobs enable always trigger requested_jobs_are_possible;
alter table public.video_jobs enable always trigger jobs_are_possible;
