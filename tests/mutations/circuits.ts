// Who shuts a provider out, and who tries whether it is well again.
import type { Mutation } from "./mutation.ts";

const PROVIDER_CIRCUITS = "supabase/migrations/20261121000240_provider_circuits.sql";
const START_GENERATION = "supabase/migrations/20261121000260_start_generation.sql";
const ATTEMPTS = "supabase/migrations/20261121000280_attempts.sql";
const SUBMISSION = "supabase/functions/_shared/jobs/submit.ts";
const RETRY = "supabase/functions/_shared/jobs/retry.ts";
const NEW_VIDEO = "supabase/functions/_shared/jobs/new-video.ts";
const circuits = (name: string) => ({ file: "supabase/tests/provider_circuits.test.sql", name });
const attacks = (name: string) => ({ file: "tests/recovery/circuit_test.ts", name });
const submissions = (name: string) => ({ file: "tests/recovery/submission_faults_test.ts", name });

const LAST_CHECK = `    private.quota_problem(p_job.user_id, p_job.seconds),
    case when num_nonnulls(p_job.image_path, p_job.tail_image_path) > 0
      then private.input_problem(p_job.user_id, array[p_job.image_path, p_job.tail_image_path]) end,
    -- Last, because it may take the one probe of a circuit: a request that is refused otherwise must not take it.
    private.circuits_problem(p_steps, p_job.job_id));`;

export const circuitMutations: readonly Mutation[] = [
  {
    name: "the circuit of start_generation",
    guard: "A provider that is down takes no more of our users' money.",
    file: START_GENERATION,
    find: "private.circuits_problem(p_steps, p_job.job_id));",
    replace: "null);",
    test: circuits("a request is refused while the circuit is open"),
  },
  {
    name: "the circuits of the tools in start_generation",
    guard: "No video is paid for whose mix is known to fail.",
    file: PROVIDER_CIRCUITS,
    find:
      "select step ->> 'provider' from jsonb_array_elements(p_steps) as step where not (step ->> 'optional')::boolean)",
    replace:
      "select step ->> 'provider' from jsonb_array_elements(p_steps) as step where (step ->> 'makes_video')::boolean)",
    test: circuits("a video with music is refused while the circuit of its mix is open"),
  },
  {
    name: "the optional steps in the circuits of the tools",
    guard: "A tool that a video can do without stops no video.",
    file: PROVIDER_CIRCUITS,
    find: " as step where not (step ->> 'optional')::boolean)",
    replace: " as step)",
    test: circuits("a video that may be delivered without its music is not refused for it"),
  },
  {
    name: "the circuit as the last check",
    guard: "What is refused for the quota does not take the probe from those who can pay.",
    file: START_GENERATION,
    find: LAST_CHECK,
    replace: `    private.circuits_problem(p_steps, p_job.job_id),
    private.quota_problem(p_job.user_id, p_job.seconds),
    case when num_nonnulls(p_job.image_path, p_job.tail_image_path) > 0
      then private.input_problem(p_job.user_id, array[p_job.image_path, p_job.tail_image_path]) end);`,
    // That a probe ends with its job gives back one whose job was never made, too.
    also: [{
      file: PROVIDER_CIRCUITS,
      find:
        " and exists (\n    select from public.video_jobs where job_id = p_circuit.probe_job_id and completed_at is null);",
      replace: ";",
    }],
    test: circuits("requests that are refused for another reason do not take the probe"),
  },
  {
    name: "the one probe of an open circuit",
    guard: "One request tries a provider that was down, not all of them.",
    file: PROVIDER_CIRCUITS,
    find: "if v_circuit.open_until <= v_now and not private.is_probed(v_circuit) then",
    replace: "if v_circuit.open_until <= v_now then",
    test: circuits("only one request may probe the provider"),
  },
  {
    name: "the time of an open circuit",
    guard: "A provider that is down takes no more of our users' money.",
    file: PROVIDER_CIRCUITS,
    find: "  if v_circuit.open_until <= v_now then\n    -- Only one",
    replace: "  if v_circuit.open_until is not null then\n    -- Only one",
    also: [{
      file: PROVIDER_CIRCUITS,
      find: "if v_circuit.open_until <= v_now and not",
      replace: "if v_circuit.open_until is not null and not",
    }],
    test: circuits("a request is refused while the circuit is open"),
  },
  {
    name: "the lock of an open circuit",
    guard: "Of those that come at once one is the probe.",
    file: PROVIDER_CIRCUITS,
    find: "where provider = p_provider for update;",
    replace: "where provider = p_provider;",
    test: {
      file: "tests/recovery/locks_test.ts",
      name: "of two requests that find a circuit's time over at once, one is the probe",
    },
  },
  {
    name: "the time of a probe",
    guard: "A probe without an answer does not keep a circuit open for ever.",
    file: PROVIDER_CIRCUITS,
    find: "coalesce(p_circuit.probe_until > (select private.clock()), false) and exists (",
    replace: "p_circuit.probe_until is not null and exists (",
    test: circuits("the next request may probe when the time of a probe is over"),
  },
  {
    name: "the end of a probe with its job",
    guard: "The probe of a job that has ended gives no answer, and is not waited for.",
    file: PROVIDER_CIRCUITS,
    find: "where job_id = p_circuit.probe_job_id and completed_at is null);",
    replace: "where job_id = p_circuit.probe_job_id);",
    test: circuits("a probe whose job fails without an answer is given back"),
  },
  {
    name: "the circuit that an account opens",
    guard: "A provider that refuses our account gets no further requests for a while.",
    file: PROVIDER_CIRCUITS,
    find: "if not (p_account_refused or v_was_open",
    replace: "if not (v_was_open",
    test: circuits("a refused account opens the circuit at once"),
  },
  {
    name: "the count that opens a circuit",
    guard: "A provider that fails again and again gets no further requests for a while.",
    file: PROVIDER_CIRCUITS,
    find: " or v_circuit.failures >= v_settings.circuit_failures) then",
    replace: ") then",
    test: circuits("the third failure in a row opens the circuit, and says so"),
  },
  {
    name: "the answer that closes a circuit",
    guard: "A provider that answers is up, whatever it answers to one request.",
    file: PROVIDER_CIRCUITS,
    find: "perform private.close_circuit(p_provider);",
    replace: "null;",
    test: circuits("any answer to a probe closes the circuit"),
  },
  {
    name: "the submission that closes a circuit",
    guard: "A provider that accepts submissions is up.",
    file: ATTEMPTS,
    find: "  perform private.close_circuit(v_step ->> 'provider');\n",
    replace: "",
    test: circuits("an accepted submission closes the circuit"),
  },
  {
    name: "the probe that is given back",
    guard: "A request that never reached the provider leaves the probe to the next.",
    file: PROVIDER_CIRCUITS,
    find: "where provider = p_provider and probe_job_id = p_job_id;",
    replace: "where false;",
    test: circuits("the next request may probe at once when the probe was given back"),
  },
  {
    name: "the owner of the probe that is given back",
    guard: "Only the request that has the probe gives it back.",
    file: PROVIDER_CIRCUITS,
    find: "where provider = p_provider and probe_job_id = p_job_id;",
    replace: "where provider = p_provider;",
    test: circuits("other requests wait until the probe is given back"),
  },
  {
    name: "the probe of a failure",
    guard: "After a failure no request is sent for a while, whatever a probe reports after it.",
    file: PROVIDER_CIRCUITS,
    find: "circuit_open_seconds), probe_job_id = null, probe_until = null",
    replace: "circuit_open_seconds)",
    also: [{
      file: PROVIDER_CIRCUITS,
      find: "update private.provider_circuits set probe_job_id = null, probe_until = null\n",
      replace:
        "update private.provider_circuits set open_until = private.clock(), probe_job_id = null, probe_until = null\n",
    }],
    test: circuits("a failure keeps the circuit open, even if a later probe was not sent"),
  },
  {
    name: "the count of the provider's failures",
    guard: "A provider that is down, or refuses our account, takes no more of our users' money.",
    file: SUBMISSION,
    find: "if (answer !== null) await recordAnswer(context, leased, answer);",
    replace: "",
    test: {
      file: "tests/api/error_table_failures_test.ts",
      name: "after a provider has refused our account no request is charged until Retry-After",
    },
  },
  {
    name: "what was not sent",
    guard: "An input that could not be fetched says nothing about the provider, and gives the probe back.",
    file: SUBMISSION,
    find: '  if (notSent || noSuchProvider || (!sent && error.kind !== "fatal")) return "not_sent";\n',
    replace: "",
    test: attacks("a Storage that cannot be read gives the probe back"),
  },
  {
    name: "the answer to a request whose job was cancelled",
    guard: "A user who cancels at once cannot keep a circuit open.",
    file: SUBMISSION,
    find: '    await recordAnswer(context, leased, "answered");\n',
    replace: "",
    test: attacks("a cancelled job's submission that is taken all the same closes the circuit"),
  },
  {
    name: "the back-pressure in a circuit",
    guard: "A provider that asks for fewer requests is not down.",
    file: SUBMISSION,
    find: "if (isBackPressure(error)) return null;",
    replace: 'if (isBackPressure(error)) return "failed";',
    test: attacks("a provider that asks for fewer requests neither opens its circuit nor closes it"),
  },
  {
    name: "the back-pressure in a request",
    guard: "A provider that asks for fewer requests does not get three at once.",
    file: NEW_VIDEO,
    find: "if (isBackPressure(submission.error) && leased.attempts_left > 0) {",
    replace: "if (false) {",
    test: submissions(
      "a provider that asks for fewer requests is asked again after the pause that it named, for one charge",
    ),
  },
  {
    name: "the time that a provider asks for",
    guard: "A provider that says when to come back is not asked before.",
    file: RETRY,
    find: "return Math.min(asked, MAX_WAIT_SECONDS);",
    replace: "return 0 * asked;",
    test: {
      file: "supabase/functions/_shared/jobs/retry_test.ts",
      name: "a refused submission waits as long as the provider asked, and a little more",
    },
  },
  {
    name: "the longest time that a provider may ask for",
    guard: "A provider cannot delay a job beyond five minutes.",
    file: RETRY,
    find: "return Math.min(asked, MAX_WAIT_SECONDS);",
    replace: "return asked;",
    test: {
      file: "supabase/functions/_shared/jobs/retry_test.ts",
      name: "no provider puts a job off for more than five minutes",
    },
  },
];
