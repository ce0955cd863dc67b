// A job ends once, delivered or refunded, and only its owner sees, cancels or deletes it.
import type { Mutation } from "./mutation.ts";

const USER_LOCKS = "supabase/migrations/20261121000140_user_locks.sql";
const FILE_DELETION = "supabase/migrations/20261121000210_file_deletion.sql";
const ENDINGS = "supabase/migrations/20261121000310_endings.sql";
const WEBHOOKS = "supabase/migrations/20261121000320_webhooks.sql";
const CANCEL = "supabase/migrations/20261121000330_cancel.sql";
const VIDEO_DELETION = "supabase/migrations/20261121000340_video_deletion.sql";
const VIDEO_LISTS = "supabase/migrations/20261121000350_video_lists.sql";
const listing = (name: string) => ({ file: "tests/api/listing_test.ts", name });
const videos = (name: string) => ({ file: "supabase/tests/videos.test.sql", name });
const transitions = (name: string) => ({ file: "supabase/tests/progress.test.sql", name });
const endings = (name: string) => ({ file: "supabase/tests/endings.test.sql", name });
const webhooks = (name: string) => ({ file: "supabase/tests/webhooks.test.sql", name });
const cancel = (name: string) => ({ file: "supabase/tests/cancel.test.sql", name });

export const endingMutations: readonly Mutation[] = [
  {
    name: "the fence of complete_job",
    guard: "A job is delivered once, by the worker that has its lease.",
    file: ENDINGS,
    find: "if not v_locked.current or v_job.step < v_job.steps or (p_video_path",
    replace: "if v_job.step < v_job.steps or (p_video_path",
    test: endings("a job is delivered once"),
  },
  {
    name: "the step in complete_job",
    guard: "A job whose steps are not done is not delivered.",
    file: ENDINGS,
    find: "if not v_locked.current or v_job.step < v_job.steps or (p_video_path",
    replace: "if not v_locked.current or (p_video_path",
    test: endings("a job whose steps are not done is not delivered"),
  },
  {
    name: "the size in complete_job",
    guard: "A video is delivered only when Storage has all of it.",
    file: ENDINGS,
    find: `(p_video_path is null and not v_job.files_are_public) then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  if not private.is_stored(p_video_path, p_video_bytes) then`,
    replace: `(p_video_path is null and not v_job.files_are_public) then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  if false then`,
    test: endings("a video that Storage has in part is not delivered"),
  },
  {
    name: "the size in record_stored_video",
    guard: "A video is delivered only when Storage has all of it.",
    file: ENDINGS,
    find: `v_job.video_path is not null then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  if not private.is_stored(p_video_path, p_video_bytes) then`,
    replace: `v_job.video_path is not null then
    return jsonb_build_object('applied', false, 'job', private.job_json(v_job));
  end if;
  if false then`,
    test: endings("a copy that Storage does not have is not recorded"),
  },
  {
    name: "the size of a delivered video",
    guard: "A video is delivered only when Storage has all of it.",
    file: "supabase/functions/_shared/database/attempts.ts",
    find: ", p_video_bytes: delivery.video.bytes }",
    replace: " }",
    test: {
      file: "tests/recovery/copy_test.ts",
      name: "a video that Storage has only in part is never delivered: it is copied again",
    },
  },
  {
    name: "the state condition of record_stored_video",
    guard: "A copy is recorded once, and for a delivered video only.",
    file: ENDINGS,
    find: "if v_job.status is distinct from 'completed' or v_job.video_path is not null then",
    replace: "if v_job.status is distinct from 'completed' then",
    test: endings("a copy is recorded once"),
  },
  {
    name: "the fence of fail_job",
    guard: "A report about another attempt fails and refunds nothing.",
    file: ENDINGS,
    find: "  if not v_locked.current then",
    replace: "  if false then",
    test: transitions("fail_job($1, $2, $$late$$, $$Late$$) is fenced by a newer attempt"),
  },
  {
    name: "the refund of fail_job",
    guard: "A job that failed is refunded.",
    file: ENDINGS,
    find: `v_refund := public.add_credits(
    v_job.user_id, v_job.credits_used, p_refund_reason, p_job_id, 'refund:' || p_job_id);`,
    replace: `v_refund := '{"success": true, "credits_remaining": 20}';`,
    test: endings("exactly what was charged is refunded, even if the price has changed"),
  },
  {
    name: "the amount of the refund",
    guard: "Exactly what was charged is refunded, not what it would cost now.",
    file: ENDINGS,
    find: "v_job.user_id, v_job.credits_used, p_refund_reason",
    replace:
      "v_job.user_id, (select cost_per_generation from public.models where id = v_job.model_id), p_refund_reason",
    test: endings("exactly what was charged is refunded, even if the price has changed"),
  },
  {
    name: "the stored answer of a key whose submission failed",
    guard: "A replay answers with the failure and the refund, not with a job that goes on.",
    file: ENDINGS,
    find: "update public.idempotency_log set status_code = 500, response_data = v_response where job_id = p_job_id;",
    replace: "null;",
    test: endings("every replay of its key gets that answer"),
  },
  {
    name: "the owner in cancel_job",
    guard: "A user cannot cancel another user's job.",
    file: CANCEL,
    find: "if v_job.user_id is distinct from p_user_id then",
    replace: "if v_job.user_id is null then",
    test: cancel("the job of another user is not found"),
  },
  {
    name: "the owner in delete_videos",
    guard: "A user cannot delete another user's videos.",
    file: VIDEO_DELETION,
    find:
      "    select * from public.video_jobs where user_id = p_user_id and job_id = any (p_job_ids) order by job_id\n",
    replace: "    select * from public.video_jobs where job_id = any (p_job_ids) order by job_id\n",
    test: videos("the video of another user is not deleted"),
  },
  {
    name: "the refund of delete_videos",
    guard: "A deleted video that was not delivered is refunded.",
    file: VIDEO_DELETION,
    find:
      "      perform private.cancel_and_refund(v_job, v_queued, v_state <> 'not_started', 'The video was deleted');\n",
    replace: "",
    test: videos("what was not delivered is refunded"),
  },
  {
    name: "the owner in list_videos",
    guard: "A user's list has their own videos only.",
    file: VIDEO_LISTS,
    find: "    from public.video_jobs as jobs\n    where user_id = p_user_id\n",
    replace: "    from public.video_jobs as jobs\n    where true\n",
    test: videos("a page has the newest of the user's own videos"),
  },
  {
    name: "the owner in changed_videos",
    guard: "A user's list of changes has their own videos only.",
    file: VIDEO_LISTS,
    find: "where user_id = p_user_id and (p_status is null or status = p_status)\n          and updated_at < v_until",
    replace: "where (p_status is null or status = p_status)\n          and updated_at < v_until",
    test: videos("changes are listed in their order"),
  },
  {
    name: "the time of a writer's lock",
    guard: "A change that is committed late, a refund's too, is in the next list.",
    file: USER_LOCKS,
    find: "    pg_advisory_xact_lock_shared(hashtext(p_user_id::text),",
    replace: "    (hashtext(p_user_id::text),",
    test: listing(
      "a change with an older time than a list, committed after it, is in the next list",
    ),
  },
  {
    name: "the clock that a list reads before it checks for writers",
    guard: "A change that starts in between is not missed.",
    file: USER_LOCKS,
    find: "  v_now timestamptz := private.clock();\n  v_second",
    replace: "  v_second",
    also: [{ file: USER_LOCKS, find: "least(v_now, timestamptz", replace: "least(private.clock(), timestamptz" }],
    test: listing("a change that starts between a list's clock and its check for open transactions is not missed"),
  },
  {
    name: "the purge's tasks, each of which may fail alone",
    guard: "Whatever the purge cannot do, the books are audited.",
    file: "supabase/functions/advance-jobs/purge.ts",
    find: "      failed.push(task.name);",
    replace: "      throw error;",
    test: {
      file: "tests/recovery/purge_test.ts",
      name: "when idempotency_keys fails, the other tasks of the purge go on, and the log says so",
    },
  },
  {
    name: "the files that the purge deletes one by one",
    guard: "A file that Storage does not delete does not keep the others from being deleted.",
    file: "supabase/functions/advance-jobs/purge-files.ts",
    find: "    refusal = error;\n  }\n",
    replace: "    throw error;\n  }\n",
    test: {
      file: "tests/recovery/purge_test.ts",
      name: "one file that Storage never deletes does not keep the others",
    },
  },
  {
    name: "the finished job in wake_job",
    guard: "A webhook after the end wakes no job.",
    file: WEBHOOKS,
    find: "elsif v_job.completed_at is not null or p_attempt",
    replace: "elsif p_attempt",
    test: webhooks("a webhook of a failed job has nothing to do"),
  },
  {
    name: "the finished step in wake_job",
    guard: "A webhook of a step that is done is not taken for a late run of the next.",
    file: WEBHOOKS,
    find: "elsif v_job.completed_at is not null or p_attempt <= v_queued.attempt - v_queued.attempts_of_step then",
    replace: "elsif v_job.completed_at is not null then",
    test: webhooks("a webhook of a run whose video is being stored has nothing to do"),
  },
  {
    name: "the fence of wake_job",
    guard: "A webhook of an attempt that was given up does not wake the current one.",
    file: WEBHOOKS,
    find: "elsif not v_locked.current or v_queued.provider_job_id is distinct from p_provider_job_id then",
    replace: "elsif false then",
    test: webhooks("a webhook of an attempt that was given up is of a late run"),
  },
  {
    name: "the fence of adopt_run",
    guard: "A run is adopted in place of the current attempt only.",
    file: WEBHOOKS,
    find: "  if not v_locked.current or v_job.step >= v_job.steps then",
    replace: "  if v_job.step >= v_job.steps then",
    test: webhooks("a run is adopted from the current attempt only"),
  },
  {
    name: "the step in adopt_run",
    guard: "A job whose video is there does not go back to a run.",
    file: WEBHOOKS,
    find: "  if not v_locked.current or v_job.step >= v_job.steps then",
    replace: "  if not v_locked.current then",
    test: webhooks("no run is adopted when the video is made"),
  },
  {
    name: "the attempt of an adopted run",
    guard: "Reports about the abandoned run are refused from then on.",
    file: WEBHOOKS,
    find: "attempt = attempt + 1, attempts_of_step = attempts_of_step + 1, provider_job_id = p_provider_job_id,",
    replace: "provider_job_id = p_provider_job_id,",
    test: webhooks("the worker of the abandoned run changes nothing"),
  },
  {
    name: "the time in record_deleted_files",
    guard: "A file that a worker writes after its job's deletion does not stay for ever.",
    file: FILE_DELETION,
    find: "where waiting.bucket = gone.bucket and waiting.path = gone.path\n    and since <=",
    replace: "where waiting.bucket = gone.bucket and waiting.path = gone.path\n    and since - interval '1 day' <=",
    test: {
      file: "supabase/tests/purge.test.sql",
      name: "the files of a deleted running job stay on the list for as long as a copy may last",
    },
  },
];
