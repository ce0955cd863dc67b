// What the steps of a job cost, which of them a video may be delivered without, and what is refunded for those.
import { type Mutation, STATE_MACHINE_OFF } from "./mutation.ts";

const PIPELINE_STEPS = "supabase/migrations/20261121000080_pipeline_steps.sql";
const PRICING = "supabase/migrations/20261121000090_pricing.sql";
const BUILD_STEPS = "supabase/migrations/20261121000100_build_steps.sql";
const REQUESTS = "supabase/migrations/20261121000255_requests.sql";
const LEASES = "supabase/migrations/20261121000270_leases.sql";
const ATTEMPTS = "supabase/migrations/20261121000280_attempts.sql";
const STEPS = "supabase/migrations/20261121000300_steps.sql";
const ENDINGS = "supabase/migrations/20261121000310_endings.sql";
const WEBHOOKS = "supabase/migrations/20261121000320_webhooks.sql";
const AUDIT = "supabase/migrations/20261121000390_audit.sql";
const locks = (name: string) => ({ file: "tests/recovery/locks_test.ts", name });
const steps = (name: string) => ({ file: "supabase/tests/build_steps.test.sql", name });
const skippedExtras = (name: string) => ({ file: "supabase/tests/skipped_extras.test.sql", name });
const patience = (name: string) => ({ file: "supabase/tests/step_patience.test.sql", name });
const transitions = (name: string) => ({ file: "supabase/tests/transitions.test.sql", name });

const SKIPS = "if not v_locked.current or not coalesce((v_step ->> 'optional')::boolean, false) then";
const SKIPPED_CREDITS = "where step -> 'extras' <> '[]' and step -> 'extras' <@ to_jsonb(v_job.skipped_extras)), 0);";
const SKIPPED_EXTRAS_REFUND = "perform public.add_credits(v_job.user_id, v_skipped, 'skipped_extras_refund'";
const NEEDED = "while v_step -> 'extras' <> '[]' and v_step -> 'extras' <@ to_jsonb(p_job.skipped_extras) loop";

const priceMutations: readonly Mutation[] = [
  {
    name: "the extras in the price",
    guard: "The extras of a video are paid for.",
    file: PRICING,
    find: "(select sum((step ->> 'credits')::integer)::integer from jsonb_array_elements(p_steps) as step);",
    replace: "(p_steps -> 0 ->> 'credits')::integer;",
    test: steps('{"enable_music": true} costs 1405'),
  },
  {
    name: "the one price of the runs of a long video",
    guard: "A long video is paid for once, not once a run.",
    file: BUILD_STEPS,
    find: "case v_number when 1 then private.price(p_model, p_settings) else 0 end",
    replace: "private.price(p_model, p_settings)",
    test: steps("the runs cost what the whole length costs, once"),
  },
  {
    name: "the shortest run in the price",
    guard: "A video that is cut costs what was made for it.",
    file: PRICING,
    find: "(p_settings ->> 'duration')::numeric, (p_model.settings_schema -> 'segments' ->> 'minimum')::numeric);",
    replace: "(p_settings ->> 'duration')::numeric, 0);",
    test: steps("a length below the shortest costs what the shortest costs"),
  },
  {
    name: "the music at no volume",
    guard: "No user pays for music at no volume.",
    file: BUILD_STEPS,
    find: "(p_settings ->> 'enable_music')::boolean and v_volume > 0 then",
    replace: "(p_settings ->> 'enable_music')::boolean then",
    test: steps("music at volume 0 has no steps"),
  },
  {
    name: "the kind of the model in start_generation",
    guard: "A transition is made, and paid for, by a model that makes transitions.",
    file: REQUESTS,
    find: " and (p_job.kind = 'generation' or category = 'transition');",
    replace: ";",
    test: transitions("a transition is made by models of transitions only"),
  },
  {
    name: "the availability of an extra",
    guard: "An extra that is switched off charges no user.",
    file: PIPELINE_STEPS,
    find: "where not is_available and (p_settings ->> setting)::boolean);",
    replace: "where false);",
    test: transitions("an unavailable voiceover is refused with the name of its setting"),
  },
];

const stepMutations: readonly Mutation[] = [
  {
    name: "the optional step in skip_step",
    guard: "A video is not delivered without what its owner insists on.",
    file: STEPS,
    find: SKIPS,
    replace: "if not v_locked.current then",
    test: skippedExtras("a required step cannot be skipped"),
  },
  {
    name: "the fence of skip_step",
    guard: "A stale worker skips no step.",
    file: STEPS,
    find: SKIPS,
    replace: "if not coalesce((v_step ->> 'optional')::boolean, false) then",
    test: skippedExtras("the attempt before skips nothing"),
  },
  {
    name: "the wish of the owner in what is optional",
    guard: "Only an extra that the owner named may be skipped.",
    file: BUILD_STEPS,
    find: "ceil(v_seconds)),\n        '[\"music\"]', v_spare ? 'music')",
    replace: "ceil(v_seconds)),\n        '[\"music\"]', true)",
    test: steps('both: the video may do without ""'),
  },
  {
    name: "the extras of an optional mix",
    guard: "A mix is skipped only if each of its extras may be skipped.",
    file: BUILD_STEPS,
    find: "v_extras <@ v_spare);",
    replace: "v_spare <> '[]');",
    test: steps('spare music: the video may do without "music loudness"'),
  },
  {
    name: "the steps that are no longer needed",
    guard: "A step for a skipped extra is not run at our cost.",
    file: STEPS,
    find: NEEDED,
    replace: "while false loop",
    also: [STATE_MACHINE_OFF],
    test: skippedExtras("a skipped music skips its loudness too: the next step is the picture"),
  },
  {
    name: "the extras that must all be skipped before their step is",
    guard: "A paid extra is made, although another extra of the same step was skipped.",
    file: STEPS,
    find: NEEDED,
    replace: "while v_step -> 'extras' <> '[]' and v_step -> 'extras' ?| p_job.skipped_extras loop",
    also: [STATE_MACHINE_OFF],
    test: skippedExtras("a mix of which one part was made is not skipped"),
  },
  {
    name: "the end of the patience in take_lease",
    guard: "Nothing is submitted for a step that the video no longer waits for.",
    file: LEASES,
    find: " and p_queued.step_deadline_at > v_now;",
    replace: " and p_queued.deadline_at > v_now;",
    test: patience("an expired step opens no attempt"),
  },
  {
    name: "the run of an earlier step in wake_job",
    guard: "A run whose result is delivered is not cancelled as an abandoned one.",
    file: WEBHOOKS,
    find: " or exists (select from jsonb_each(v_queued.artifacts) where value ->> 'run' = p_provider_job_id)",
    replace: "",
    test: patience("a webhook of the run that made an earlier step has nothing to do"),
  },
];

const refundMutations: readonly Mutation[] = [
  {
    name: "the refund of skipped extras",
    guard: "No user pays for an extra that is missing in their video.",
    file: ENDINGS,
    find: "  if v_skipped > 0 then\n    perform",
    replace: "  if false then\n    perform",
    test: skippedExtras("the ledger has the refund of the skipped extras"),
  },
  {
    name: "the row lock of the job in a delivery in part",
    guard: "Two deliveries at once give back once.",
    file: ATTEMPTS,
    find: "from public.video_jobs where video_jobs.job_id = p_job_id for update;",
    replace: "from public.video_jobs where video_jobs.job_id = p_job_id;",
    also: [{
      file: ATTEMPTS,
      find: "from private.job_queue where job_queue.job_id = p_job_id for update;",
      replace: "from private.job_queue where job_queue.job_id = p_job_id;",
    }],
    test: locks(
      "a delivery without an extra that comes while another is under way waits for it, and refunds nothing again",
    ),
  },
  {
    name: "the row lock of the job when a step is skipped",
    guard: "A step that has ended is not skipped as well: an extra that was delivered is not refunded.",
    file: ATTEMPTS,
    find: "from public.video_jobs where video_jobs.job_id = p_job_id for update;",
    replace: "from public.video_jobs where video_jobs.job_id = p_job_id;",
    also: [{
      file: ATTEMPTS,
      find: "from private.job_queue where job_queue.job_id = p_job_id for update;",
      replace: "from private.job_queue where job_queue.job_id = p_job_id;",
    }],
    test: locks("a step that is skipped while its end is reported is not skipped, and the next step is started once"),
  },
  {
    name: "the amount of the refund of skipped extras",
    guard: "A skipped extra is refunded at its price.",
    file: ENDINGS,
    find: SKIPPED_EXTRAS_REFUND,
    replace: SKIPPED_EXTRAS_REFUND.replace("v_skipped", "2 * v_skipped"),
    test: skippedExtras("the ledger has the refund of the skipped extras"),
  },
  {
    name: "the extras of a step in the refund of skipped extras",
    guard: "A delivered extra is not refunded, although another extra of the same step was skipped.",
    file: ENDINGS,
    find: SKIPPED_CREDITS,
    replace: "where step -> 'extras' <> '[]' and step -> 'extras' ?| v_job.skipped_extras), 0);",
    test: skippedExtras("a delivered job refunds the price of its skipped extras"),
  },
  {
    name: "the picture in the refund of skipped extras",
    guard: "The picture, which is no extra, is never given back with one.",
    file: ENDINGS,
    find: SKIPPED_CREDITS,
    replace: "where step -> 'extras' <@ to_jsonb(v_job.skipped_extras)), 0);",
    test: skippedExtras("a delivered job refunds the price of its skipped extras"),
  },
  {
    name: "the skipped steps in the refund",
    guard: "An extra that could have been skipped, but was delivered, is not refunded.",
    file: ENDINGS,
    find: SKIPPED_CREDITS,
    replace: "where (step ->> 'optional')::boolean), 0);",
    test: skippedExtras("an optional extra that was made is not refunded beside one that was skipped"),
  },
  {
    name: "the refund in the job that was delivered in part",
    guard: "The job has the credits that were refunded for it.",
    file: ENDINGS,
    find: ", credits_refunded = v_skipped,",
    replace: ",",
    test: skippedExtras("a delivered job refunds the price of its skipped extras"),
  },
  {
    name: "the files of a failed job",
    guard: "What the first steps of a failed job may have left does not stay.",
    file: ENDINGS,
    find: "    perform private.enqueue_job_files(v_job);",
    replace: "    null;",
    test: skippedExtras("the files of the first steps of a failed job are deleted"),
  },
  {
    name: "the audit of skipped extras",
    guard: "The audit finds a refund of a video that lacks nothing, whatever its job says.",
    file: AUDIT,
    find: "case when cardinality(skipped_extras) > 0 then credits_refunded else 0 end",
    replace: "credits_refunded",
    test: skippedExtras("the audit reports a refund of a video with all its extras, even if the job has it too"),
  },
];

export const pipelineMutations: readonly Mutation[] = [...priceMutations, ...stepMutations, ...refundMutations];
