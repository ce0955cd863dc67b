// A user gets a video or its credits, never both, and runs that are billed to us are refunded a limited number of times.
import type { Mutation } from "./mutation.ts";

const BUILD_STEPS = "supabase/migrations/20261121000100_build_steps.sql";
const USAGE = "supabase/migrations/20261121000180_usage.sql";
const LIMITS = "supabase/migrations/20261121000190_limits.sql";
const ENDINGS = "supabase/migrations/20261121000310_endings.sql";
const CANCEL = "supabase/migrations/20261121000330_cancel.sql";
const VIDEO_DELETION = "supabase/migrations/20261121000340_video_deletion.sql";
const cancel = (name: string) => ({ file: "supabase/tests/cancel.test.sql", name });
const locks = (name: string) => ({ file: "tests/recovery/locks_test.ts", name });
const deadlocks = (name: string) => ({ file: "tests/recovery/deadlocks_test.ts", name });
const refusals = (name: string) => ({ file: "supabase/tests/refusals.test.sql", name });
const limits = (name: string) => ({ file: "tests/api/cancel_limits_test.ts", name });

const standingMutations: readonly Mutation[] = [
  {
    name: "the video that is made in cancellation_state",
    guard: "A video that is being stored is not cancelled, whatever its owner may read of it.",
    file: CANCEL,
    find: "    when not private.is_making_video(p_queued.steps, p_queued.step) then 'made'\n",
    replace: "",
    test: cancel("a video that is being stored is not cancelled"),
  },
  {
    name: "the run that has succeeded in cancellation_state",
    guard: "A video that is finished at the provider is not cancelled before we have checked it.",
    file: CANCEL,
    find:
      "    when v_run_state = 'succeeded' and not private.is_making_video(p_queued.steps, p_queued.step + 1) then 'made'\n",
    replace: "",
    test: cancel("a job whose run has succeeded is not cancelled, but checked"),
  },
  {
    name: "the mark of the steps that make the video",
    guard: "After the model's last run the video is made, though other steps follow.",
    file: BUILD_STEPS,
    find: "'optional', false, 'makes_video', true,",
    replace: "'optional', false,",
    test: {
      file: "supabase/tests/cancel.test.sql",
      name: "a cancellation of a queued run asks for its state at the provider",
    },
  },
  {
    name: "the run in cancellation_state",
    guard: "What was seen of another run is no reason to cancel this one freely.",
    file: CANCEL,
    find: "v_run_state text := p_run_states ->> p_queued.provider_job_id;",
    replace: "v_run_state text := (select value #>> '{}' from jsonb_each(p_run_states) limit 1);",
    test: cancel("the state of another run does not count"),
  },
  {
    name: "the missing answer in cancellation_state",
    guard: "A submission whose answer is missing may be running, and counts.",
    file: CANCEL,
    find: "when p_queued.provider_job_id is null then 'started'",
    replace: "when p_queued.provider_job_id is null then 'not_started'",
    test: cancel("a cancellation of a submission without an answer counts"),
  },
  {
    name: "the parts that are made in cancellation_state",
    guard: "A long video has started once a part of it is made.",
    file: CANCEL,
    find: "when v_run_state = 'queued' and not v_has_run then 'not_started'",
    replace: "when v_run_state = 'queued' then 'not_started'",
    test: cancel("a cancellation counts when a part of the video is made, though the next part is queued"),
  },
  {
    name: "the check at the provider",
    guard: "Our own view is some seconds old: a run that was queued then may be running.",
    file: CANCEL,
    find: "    else 'unknown' end",
    replace: "    else 'not_started' end",
    test: limits("a run that the provider has started counts, though our own view of it still says queued"),
  },
];

const limitMutations: readonly Mutation[] = [
  {
    name: "the limit of cancellations",
    guard: "Runs that are billed to us are refunded a limited number of times a day.",
    file: CANCEL,
    find: "  if v_recent.used < v_limit then",
    replace: "  if true then",
    test: cancel("a cancellation above the limit is refused until the first one is a day old"),
  },
  {
    name: "the reason of a refund that counts",
    guard: "What counts is counted in the ledger.",
    file: CANCEL,
    find: "case when p_has_started then 'cancelled_after_start_refund' else 'generation_failed_refund' end",
    replace: "'generation_failed_refund'",
    test: cancel("a cancellation after the start counts"),
  },
  {
    name: "the ledger that cancellations are counted in",
    guard: "Deleting what was cancelled does not undo that it counts.",
    file: USAGE,
    find: "where reason = 'cancelled_after_start_refund'",
    replace: `where reason = 'cancelled_after_start_refund'
    and exists (select from public.video_jobs where video_jobs.job_id = quota_log.job_id)`,
    test: cancel("cancellations of deleted jobs still count"),
  },
  {
    name: "the lock in cancel_problem",
    guard: "Two cancellations at once do not both take the last of the day.",
    file: CANCEL,
    find: "  perform from public.credit_balances where user_id = p_job.user_id for update;\n",
    replace: "",
    test: locks(
      "two cancellations at once when the day allows one more: the second waits for the first, and is refused",
    ),
  },
  {
    name: "the limit in delete_videos",
    guard: "Deleting a job does not avoid the limit of cancellations.",
    file: VIDEO_DELETION,
    find: "case when v_state <> 'not_started' then private.cancel_problem(v_job) end",
    replace: "null",
    test: cancel("a deletion above the limit is refused too"),
  },
  {
    name: "the pauses of what is made",
    guard:
      "Asking again and again uses up no attempts of a video that is made: that would be a refund that does not count.",
    file: CANCEL,
    find: "if p_run_states ->> v_queued.provider_job_id = 'succeeded' then",
    replace: "if true then",
    test: cancel("refused cancellations use up no attempt"),
  },
  {
    name: "the limit of refusals",
    guard:
      "Parts that are billed to us are refunded a limited number of times a day, also when the provider refuses the rest.",
    file: LIMITS,
    find: "  elsif v_used.refusals >= v_used.refusals_after_start_per_day then",
    replace: "  elsif false then",
    test: refusals("a request above the limit waits until the first refusal is a day old"),
  },
  {
    name: "the reason of a refusal that counts",
    guard: "A refusal half way is known as one in the ledger.",
    file: ENDINGS,
    find: "    p_refund_reason := 'refused_after_start_refund';\n",
    replace: "    null;\n",
    test: refusals("a job that is refused for an image after a part was made is refunded in full, and counts"),
  },
  {
    name: "the provider's own failures in fail_job",
    guard: "An outage of the provider does not count against the user's limit.",
    file: ENDINGS,
    find:
      " and p_error_code in (\n    'image_rejected', 'content_policy', 'provider_rejected_input', 'input_missing', 'no_media') then",
    replace: " then",
    test: refusals("a job that fails for the provider does not count"),
  },
  {
    name: "the refusals of a user who signs up again",
    guard: "Deleting an account does not avoid the limit of refusals.",
    file: USAGE,
    find: "    refusals_of_day = v_refusals + case",
    replace: "    refusals_of_day = case",
    test: refusals("a user who leaves and comes back finds the limit again"),
  },
  {
    name: "what was seen is kept",
    guard: "Asking again and again beyond the limit costs no calls to the provider.",
    file: CANCEL,
    find: "  where job_id = p_job.job_id and stage = 'queued';",
    replace: "  where false;",
    test: limits("asking again and again beyond the limit costs no further call to the provider"),
  },
];

const lockMutations: readonly Mutation[] = [
  {
    name: "the locks of delete_videos",
    guard: "A deletion has all its jobs before any balance: it is no deadlock with the end of one of them.",
    file: VIDEO_DELETION,
    find:
      "  perform from public.video_jobs where user_id = p_user_id and job_id = any (p_job_ids) order by job_id for update;\n",
    replace: "",
    also: [{
      file: VIDEO_DELETION,
      find: "and jobs.user_id = p_user_id and jobs.job_id = any (p_job_ids))\n  order by job_id for update;",
      replace: "and false) for update;",
    }],
    test: deadlocks(
      "a deletion of two videos while one of them ends is no deadlock: it has all their locks before the balance",
    ),
  },
  {
    name: "the order of delete_expired_videos",
    guard: "The purge locks jobs in the order in which their owners' deletions do.",
    file: VIDEO_DELETION,
    find: "    ) as expired\n    order by job_id\n",
    replace: "    ) as expired\n",
    test: deadlocks("a purge that meets a deletion of the same videos is no deadlock: both lock them by their ids"),
  },
  {
    name: "the repeated call after a deadlock",
    guard: "A transaction that Postgres ended for the sake of another is made again, and the user sees no error.",
    file: "supabase/functions/_shared/database/client.ts",
    find: `CONFLICTS.has(result.error?.code ?? "")`,
    replace: "false",
    test: {
      file: "supabase/functions/_shared/database/client_test.ts",
      name: "a call that had to give way to another transaction (40P01) is made once more",
    },
  },
];

export const cancellationMutations: readonly Mutation[] = [
  ...standingMutations,
  ...limitMutations,
  ...lockMutations,
];
