// A report about a job counts only from its current attempt and in the state that it is about.
import { type Mutation, STATE_MACHINE_OFF } from "./mutation.ts";

const CREDITS = "supabase/migrations/20261121000120_credits.sql";
const JOB_STATES = "supabase/migrations/20261121000160_job_states.sql";
const ATTEMPTS = "supabase/migrations/20261121000280_attempts.sql";
const PROGRESS = "supabase/migrations/20261121000290_progress.sql";
const STEPS = "supabase/migrations/20261121000300_steps.sql";
const ENDINGS = "supabase/migrations/20261121000310_endings.sql";
const transitions = (name: string) => ({ file: "supabase/tests/progress.test.sql", name });
const endings = (name: string) => ({ file: "supabase/tests/endings.test.sql", name });
const lateRecord = (name: string) => ({ file: "tests/recovery/late_record_test.ts", name });
const locks = (name: string) => ({ file: "tests/recovery/locks_test.ts", name });
const deadlocks = (name: string) => ({ file: "tests/recovery/deadlocks_test.ts", name });
const oneBadJob = (name: string) => ({ file: "tests/recovery/one_bad_job_test.ts", name });
const STATE = "current := coalesce(job.completed_at is null and queued.attempt = p_attempt, false);";
const STATELESS = "current := coalesce(queued.attempt = p_attempt, false);";
const FAILED_ONLY_ONCE = `attempts = (v_locked.queued).attempt,
    completed_at = v_now, updated_at = greatest(updated_at, v_now)
  where job_id = p_job_id and completed_at is null`;

export const progressMutations: readonly Mutation[] = [
  {
    name: "the trigger of the state machine",
    guard: "Every change of a state is one of the table, whatever code writes it.",
    file: JOB_STATES,
    find: "when ((old.status, old.stage) is distinct from (new.status, new.stage))",
    replace: "when (false)",
    test: {
      file: "supabase/tests/job_states.test.sql",
      name: "of all changes by hand exactly those of the table are allowed",
    },
  },
  {
    name: "the attempt fence",
    guard: "A report about another attempt changes nothing.",
    file: ATTEMPTS,
    find: STATE,
    replace: "current := coalesce(job.completed_at is null, false);",
    test: transitions(
      'advance_step($1, $2, $${"video_url": "https://late.test/v.mp4"}$$) is fenced by a newer attempt',
    ),
  },
  {
    name: "the state condition",
    guard: "A finished job never changes: what was delivered is not refunded.",
    file: ATTEMPTS,
    find: STATE,
    replace: STATELESS,
    test: endings("a delivered job does not fail"),
  },
  {
    name: "the state condition, with the one of fail_job's update",
    guard: "What was delivered is not refunded: the fence and the update each see to it.",
    file: ATTEMPTS,
    find: STATE,
    replace: STATELESS,
    also: [{ file: ENDINGS, find: FAILED_ONLY_ONCE, replace: FAILED_ONLY_ONCE.replace(/ and completed_at is.*/, "") }],
    test: endings("a delivered job does not fail"),
  },
  {
    name: "all that keeps fail_job from refunding twice",
    guard:
      "A job is refunded once: the fence, the update, the state machine, the ledger's index and id each see to it.",
    file: ATTEMPTS,
    find: STATE,
    replace: STATELESS,
    also: [
      STATE_MACHINE_OFF,
      { file: ENDINGS, find: FAILED_ONLY_ONCE, replace: FAILED_ONLY_ONCE.replace(/ and completed_at is.*/, "") },
      { file: ENDINGS, find: "'refund:' || p_job_id", replace: "null" },
      {
        file: CREDITS,
        find: "create unique index a_job_is_refunded_once",
        replace: "create index a_job_is_refunded_once",
      },
    ],
    test: endings("a failed job is refunded once"),
  },
  {
    name: "the row locks of a transition",
    guard: "Two endings at once are one.",
    file: ATTEMPTS,
    find: "from public.video_jobs where video_jobs.job_id = p_job_id for update;",
    replace: "from public.video_jobs where video_jobs.job_id = p_job_id;",
    also: [{
      file: ATTEMPTS,
      find: "from private.job_queue where job_queue.job_id = p_job_id for update;",
      replace: "from private.job_queue where job_queue.job_id = p_job_id;",
    }],
    test: locks("a failure that comes while another is under way waits for it, and refunds nothing"),
  },
  {
    name: "the row lock of the queued job in a transition",
    guard: "A report waits for a lease under way, and sees the attempt that it opened.",
    file: ATTEMPTS,
    find: "from private.job_queue where job_queue.job_id = p_job_id for update;",
    replace: "from private.job_queue where job_queue.job_id = p_job_id;",
    test: locks("an answer that comes while the next attempt is opened is not taken for the answer of that attempt"),
  },
  {
    name: "the fence of record_submission",
    guard: "A late answer to an attempt that was given up is not the current one's run.",
    file: ATTEMPTS,
    find: "if not v_locked.current or (v_locked.queued).submitted_at is null",
    replace: "if (v_locked.queued).submitted_at is null",
    test: transitions("a late answer to the attempt before is not applied to the current one"),
  },
  {
    name: "the open attempt in record_submission",
    guard: "An attempt that was given up does not come back by a late answer.",
    file: ATTEMPTS,
    find: "if not v_locked.current or (v_locked.queued).submitted_at is null or ",
    replace: "if not v_locked.current or ",
    test: transitions(
      "a late answer to the submission of the step before does not start a step that begins after the deadline",
    ),
  },
  {
    name: "the run in record_submission",
    guard: "Another run does not take the place of the one that is paid for.",
    file: ATTEMPTS,
    find: " or (v_locked.queued).provider_job_id is not null then",
    replace: " then",
    test: transitions("another run does not replace the recorded one"),
  },
  {
    name: "the run that has made the result, in record_submission",
    guard: "A run whose webhook was faster than the record of its submission is not taken for a wasted one.",
    file: ATTEMPTS,
    find: "where value ->> 'run' = p_provider_job_id));",
    replace: "where false));",
    test: lateRecord("a webhook before the record adopts the run, and the late record changes nothing"),
  },
  {
    name: "the fence of record_progress",
    guard: "A stale worker records no progress.",
    file: PROGRESS,
    find: "applied := v_locked.current and v_queued.provider_job_id is not null;",
    replace: "applied := v_queued.provider_job_id is not null;",
    test: transitions("record_progress($1, $2, $$generating$$, 99) is fenced by a newer attempt"),
  },
  {
    name: "the order of the jobs in record_looks",
    guard: "The worker and the deletion of several videos do not wait for each other in a circle.",
    file: PROGRESS,
    find: "    order by job_id\n  loop",
    replace: "  loop",
    test: deadlocks(
      "looks recorded together while their videos are deleted are no deadlock: both lock them by their ids",
    ),
  },
  {
    name: "the longest wait in record_looks",
    guard: "The deletion of one account holds up no other user's job.",
    file: PROGRESS,
    find: "set lock_timeout = '500ms'\n",
    replace: "",
    test: oneBadJob("while an account is being deleted, the looks at other users' jobs are recorded"),
  },
  {
    name: "the look that is recorded alone",
    guard: "One job that cannot be written keeps no other from being seen.",
    file: "supabase/functions/advance-jobs/tick.ts",
    find: "if (!(error instanceof DatabaseError) || error.unreachable) throw error;",
    replace: "if (error instanceof DatabaseError) throw error;",
    test: oneBadJob("a look that Postgres refuses does not keep the others from being recorded"),
  },
  {
    name: "the fence of advance_step",
    guard: "A stale worker ends no step.",
    file: STEPS,
    find: "  if not v_locked.current or v_queued.provider_job_id is null then",
    replace: "  if v_queued.provider_job_id is null then",
    test: transitions(
      'advance_step($1, $2, $${"video_url": "https://late.test/v.mp4"}$$) is fenced by a newer attempt',
    ),
  },
  {
    name: "the run in advance_step",
    guard: "A step ends once: the next one is not skipped.",
    file: STEPS,
    find: "  if not v_locked.current or v_queued.provider_job_id is null then",
    replace: "  if not v_locked.current then",
    test: transitions("a repeated end of the step before does not end a step that begins after the deadline"),
  },
  {
    name: "the fence of schedule_retry",
    guard: "A stale worker has nothing submitted again.",
    file: ATTEMPTS,
    find: "  if not v_locked.current or v_job.step >= v_job.steps then",
    replace: "  if v_job.step >= v_job.steps then",
    test: transitions("schedule_retry($1, $2, 1) is fenced by a newer attempt"),
  },
  {
    name: "the step in schedule_retry",
    guard: "A job whose video is there is not submitted again.",
    file: ATTEMPTS,
    find: "  if not v_locked.current or v_job.step >= v_job.steps then",
    replace: "  if not v_locked.current then",
    test: transitions("a job whose steps are done is not submitted again"),
  },
  {
    name: "the fence of postpone",
    guard: "A stale worker does not delay the check of the next attempt.",
    file: ATTEMPTS,
    find: "v_applies boolean := v_locked.current or (v_job.status",
    replace: "v_applies boolean := v_job.completed_at is null or (v_job.status",
    test: transitions("postpone($1, $2, 1) is fenced by a newer attempt"),
  },
  {
    name: "the next check of an unfinished job",
    guard: "No job is left alone, charged and unfinished.",
    file: ATTEMPTS,
    find: "if p_delay_seconds is null and v_job.completed_at is null then",
    replace: "if false then",
    test: transitions("an unfinished job cannot be postponed without a delay"),
  },
];
