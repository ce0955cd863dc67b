// A thumbnail is made after its video was delivered: it costs nothing more, ends, and leaves nothing behind.
import type { Mutation } from "./mutation.ts";

const THUMBNAIL_WORK = "supabase/migrations/20261121000205_thumbnail_work.sql";
const FILE_DELETION = "supabase/migrations/20261121000210_file_deletion.sql";
const READY_STEPS = "supabase/migrations/20261121000303_ready_thumbnail_steps.sql";
const THUMBNAILS = "supabase/migrations/20261121000305_thumbnails.sql";
const ACCOUNT_DELETION = "supabase/migrations/20261121000370_account_deletion.sql";
const WEBHOOKS = "supabase/migrations/20261121000320_webhooks.sql";
const THUMBNAIL = "supabase/functions/_shared/jobs/thumbnail.ts";
const thumbnails = (name: string) => ({ file: "supabase/tests/thumbnails.test.sql", name });
const delivered = (name: string) => ({ file: "tests/api/thumbnail_deletion_test.ts", name });

export const thumbnailMutations: readonly Mutation[] = [
  {
    name: "the thumbnail that the model made",
    guard: "A thumbnail that the model has made is not made again.",
    file: THUMBNAILS,
    find: "    when p_artifacts ? 'thumbnail' then 'store'\n",
    replace: "",
    test: thumbnails("a thumbnail from the model is not made again"),
  },
  {
    name: "the tool of the ready thumbnail steps",
    guard: "No thumbnail is made by a tool that was replaced.",
    file: READY_STEPS,
    find: "or update or delete or truncate on public.pipeline_tools",
    replace: "or delete or truncate on public.pipeline_tools",
    test: thumbnails("a tool that is changed makes the next thumbnail"),
  },
  {
    name: "the row of the ready thumbnail steps",
    guard: "A thumbnail that is switched off is not paid for.",
    file: READY_STEPS,
    find: "or update or delete or truncate on public.pipeline_steps",
    replace: "or delete or truncate on public.pipeline_steps",
    test: thumbnails("without the tool there is no thumbnail"),
  },
  {
    name: "the number of a thumbnail's attempts",
    guard: "A thumbnail that always fails is not paid for without end.",
    file: THUMBNAILS,
    find: "when p_work.attempts_left > 0 then 'submit'",
    replace: "when true then 'submit'",
    also: [{ file: THUMBNAIL_WORK, find: "attempt > 0 and attempts_left >= 0", replace: "attempt > 0" }],
    test: thumbnails("but no more"),
  },
  {
    name: "the deadline of a thumbnail",
    guard: "A thumbnail whose run never ends is given up.",
    file: THUMBNAILS,
    find: "    when p_work.deadline_at <= v_now then 'expire'\n",
    replace: "    when false then 'expire'\n",
    test: thumbnails("a thumbnail is given up when its time is over"),
  },
  {
    name: "the grace time of a thumbnail's lost submission",
    guard: "A lost run is not paid for again while it may still report itself.",
    file: THUMBNAILS,
    find: "when 'submit' then v_settings.unknown_submission_seconds else p_lease_seconds end)",
    replace: "when 'submit' then p_lease_seconds else p_lease_seconds end)",
    test: thumbnails("a lost submission has its time to be confirmed"),
  },
  {
    name: "the run in record_thumbnail_run",
    guard: "A second run of an attempt is cancelled.",
    file: THUMBNAILS,
    find: "not found or v_work.provider_job_id <> p_provider_job_id",
    replace: "not found",
    test: thumbnails("a second run of an attempt is not wanted"),
  },
  {
    name: "the attempt in record_thumbnail_run",
    guard: "The run of an earlier attempt is cancelled.",
    file: THUMBNAILS,
    find: "and attempt = p_attempt for update;\n  if not found or v_work",
    replace: "for update;\n  if not found or v_work",
    test: thumbnails("a run of the job is not wanted"),
  },
  {
    name: "the attempt in record_thumbnail",
    guard: "A stale worker does not end the thumbnail that another one makes.",
    file: THUMBNAILS,
    find: "and attempt = p_attempt for update;\n  if not found then",
    replace: "for update;\n  if not found then",
    test: thumbnails("a picture of the job is not shown"),
  },
  {
    name: "the attempt in give_up_thumbnail",
    guard: "A stale worker does not give up the thumbnail that another one makes.",
    file: THUMBNAILS,
    find: "delete from private.thumbnail_work where job_id = p_job_id and attempt = p_attempt;",
    replace: "delete from private.thumbnail_work where job_id = p_job_id;",
    test: thumbnails("a stale worker gives nothing up"),
  },
  {
    name: "the run of a deleted thumbnail",
    guard: "A run that nobody needs is cancelled: we pay for it until it ends.",
    file: THUMBNAIL_WORK,
    find: "when (old.provider_job_id is not null)",
    replace: "when (false)",
    test: thumbnails("the run of a deleted thumbnail is cancelled"),
  },
  {
    name: "the open thumbnail in enqueue_job_files",
    guard: "A picture that is still being written is deleted with its video.",
    file: FILE_DELETION,
    find: "\n        and not exists (select from private.thumbnail_work where job_id = p_job.job_id)",
    replace: "",
    test: thumbnails("the picture of a deleted video may still be written"),
  },
  {
    name: "the open thumbnail in erase_user",
    guard: "A picture that is still being written is deleted with its user.",
    file: ACCOUNT_DELETION,
    find: "\n    or exists (select from private.thumbnail_work where thumbnail_work.job_id = jobs.job_id)",
    replace: "",
    test: thumbnails("the pictures of a deleted user may still be written"),
  },
  {
    name: "the attempt of a webhook of the video",
    guard: "A repeated webhook of the video is not taken for one of its thumbnail.",
    file: THUMBNAILS,
    find: "p_queued.attempt + (p_queued.artifacts ? 'thumbnail')::integer",
    replace: "p_queued.attempt",
    test: thumbnails("a webhook of a video with its own thumbnail has nothing to do"),
  },
  {
    name: "the thumbnail in wake_job",
    guard: "A webhook of a thumbnail leads to it at once.",
    file: WEBHOOKS,
    find: "private.wake_thumbnail(p_job_id, p_attempt, p_provider_job_id, p_lease_seconds)",
    replace: "null",
    test: thumbnails("a webhook may be faster than the answer to the submission"),
  },
  {
    name: "the picture of a video that was deleted meanwhile",
    guard: "Nothing is left in Storage of a deleted video.",
    file: THUMBNAIL,
    find: "if (!recorded.applied && recorded.job === null) await deleteThumbnail(context, leased);",
    replace: "",
    test: delivered("a picture of fal that is being copied when DELETE /videos comes is deleted once it is there"),
  },
  {
    name: "the copy of a private thumbnail",
    guard: "Nobody gets an address of private files that outlives the video.",
    file: "supabase/functions/_shared/jobs/thumbnail.ts",
    find: " || !leased.files_are_public",
    replace: "",
    test: {
      file: "tests/recovery/provider_storage_test.ts",
      name: "with VIDEO_STORAGE=provider the video of a model with private files and its thumbnail are our copies",
    },
  },
  {
    name: "the private address of a thumbnail",
    guard: "A private address is not shown where the copy failed.",
    file: THUMBNAILS,
    find: "(files_are_public and thumbnail_url is distinct from p_url)",
    replace: "thumbnail_url is distinct from p_url",
    test: thumbnails("a private picture that could not be copied is not shown"),
  },
];
