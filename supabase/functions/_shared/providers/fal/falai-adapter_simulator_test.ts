// Against the simulator, which needs the development Deno (2.9): it speaks the whole protocol, where
// falai-adapter_test.ts answers call by call.
import assert from "node:assert/strict";
import {
  type FalSimulator,
  type OutcomeName,
  startFalSimulator,
} from "../../../../../local/simulators/fal/simulator.ts";
import { createFalAdapter } from "./falai-adapter.ts";
import { ProviderError, type ProviderRun, type RunState, type VideoProvider } from "../provider.ts";

const submission = {
  model: "fal-ai/veo3.1/fast",
  input: { prompt: "a lighthouse", duration: "8s" },
  startWithinSeconds: 90,
};

const patient = () => ({ signal: new AbortController().signal });

interface Bench {
  simulator: FalSimulator;
  fal: VideoProvider;
  pass(milliseconds: number): Promise<void>;
}

async function withSimulator(test: (bench: Bench) => Promise<void>): Promise<void> {
  let time = Date.UTC(2026, 10, 1);
  const simulator = await startFalSimulator({ now: () => time, queueMs: 1000, runMs: 1000 });
  try {
    await test({
      simulator,
      fal: createFalAdapter({ key: simulator.key, queueUrl: simulator.url }),
      pass(milliseconds) {
        time += milliseconds;
        return simulator.tick();
      },
    });
  } finally {
    await simulator.stop();
  }
}

async function providerError(promise: Promise<unknown>): Promise<ProviderError> {
  const error = await promise.then(() => assert.fail("no error"), (reason: unknown) => reason);
  assert.ok(error instanceof ProviderError, `not a ProviderError: ${error}`);
  return error;
}

function videoOf(state: RunState): string {
  assert.ok(state.state === "succeeded" && state.media.video_url !== undefined, JSON.stringify(state));
  return state.media.video_url;
}

Deno.test("a run is followed from the queue to its video, which is opened", async () => {
  await withSimulator(async ({ simulator, fal, pass }) => {
    const run = await fal.submit(submission, patient());
    assert.equal((await fal.check(run, patient())).state, "queued");
    await pass(1000);
    assert.equal((await fal.check(run, patient())).state, "running");
    await pass(1000);
    const response = await fal.fetchMedia(videoOf(await fal.check(run, patient())), patient());
    assert.equal(response.headers.get("content-type"), "video/mp4");
    assert.equal((await response.bytes()).length, Number(response.headers.get("content-length")));
    assert.deepEqual(simulator.requests[0]?.calls, { status: 3, result: 1, cancel: 0, file: 1 });
  });
});

const FAULTS = {
  drop_before: true,
  drop_after: true,
  bad_json: true,
  "401": false,
  "429": false,
  "500": false,
  "502": true,
  "503": false,
  "504": true,
  locked: false,
} as const;

for (
  const fault of ["drop_before", "drop_after", "bad_json", "401", "429", "500", "502", "503", "504", "locked"] as const
) {
  Deno.test(`a submission with the fault ${fault} is one POST and ${FAULTS[fault] ? "may have" : "has not"} started`, async () => {
    await withSimulator(async ({ simulator, fal }) => {
      simulator.configure({ submit: fault });
      const error = await providerError(fal.submit(submission, patient()));
      assert.equal(error.mayHaveStarted, FAULTS[fault]);
      assert.equal(simulator.submissions, 1);
    });
  });
}

const OUTCOMES: [outcome: OutcomeName, kind: string, code: string][] = [
  ["no_video", "rejected", "no_media"],
  ["expired", "rejected", "result_expired"],
  ["validation", "rejected", "provider_rejected_input"],
  ["user_timeout", "rejected", "provider_timeout"],
  ["content_policy_violation", "rejected", "content_policy"],
  ["internal_server_error", "retryable", "provider_error"],
  ["internal_server_error_final", "rejected", "provider_error"],
  ["downstream_service_error", "retryable", "provider_error"],
  ["generation_timeout", "retryable", "provider_timeout"],
  ["runner_disconnected", "retryable", "provider_error"],
  ["runner_incomplete_response", "retryable", "provider_error"],
  ["client_cancelled", "rejected", "cancelled_by_provider"],
];

for (const [outcome, kind, code] of OUTCOMES) {
  Deno.test(`a run that ends with ${outcome} has failed as ${kind} ${code}`, async () => {
    await withSimulator(async ({ simulator, fal }) => {
      const run = await fal.submit(submission, patient());
      simulator.fail(run.providerJobId, outcome);
      const state = await fal.check(run, patient());
      assert.ok(state.state === "failed", JSON.stringify(state));
      assert.deepEqual([state.error.kind, state.error.code], [kind, code]);
    });
  });
}

Deno.test("trouble with a look is thrown, and the next look finds the video", async () => {
  await withSimulator(async ({ simulator, fal, pass }) => {
    simulator.script("", { statusFault: { code: 500, times: 1 }, resultFault: { code: 503, times: 1 } });
    const run = await fal.submit(submission, patient());
    await pass(1000);
    assert.equal((await providerError(fal.check(run, patient()))).kind, "retryable");
    await pass(1000);
    assert.equal((await providerError(fal.check(run, patient()))).kind, "retryable");
    assert.ok(videoOf(await fal.check(run, patient())));
    assert.deepEqual(simulator.requests[0]?.calls, { status: 3, result: 2, cancel: 0, file: 0 });
  });
});

Deno.test("a run is cancelled while it can be, and one that fal does not know cannot be", async () => {
  await withSimulator(async ({ simulator, fal }) => {
    const first = await fal.submit(submission, patient());
    assert.equal(await fal.cancel(first, patient()), true);
    assert.equal(await fal.cancel(first, patient()), false);
    const unknown: ProviderRun = { model: submission.model, providerJobId: crypto.randomUUID() };
    assert.equal(await fal.cancel(unknown, patient()), false);
    assert.equal(simulator.requests[0]?.cancelled, true);
  });
});

const MEDIA = {
  dead: ["rejected", "result_expired"],
  foreign: ["rejected", "provider_bad_answer"],
  private_redirect: ["rejected", "provider_bad_answer"],
  redirect_loop: ["retryable", "provider_bad_answer"],
} as const;

for (const fault of ["dead", "foreign", "private_redirect", "redirect_loop"] as const) {
  Deno.test(`a file that is ${fault} is not opened`, async () => {
    await withSimulator(async ({ simulator, fal }) => {
      simulator.script("", { media: fault });
      const run = await fal.submit(submission, patient());
      simulator.finish(run.providerJobId);
      const error = await providerError(fal.fetchMedia(videoOf(await fal.check(run, patient())), patient()));
      assert.deepEqual([error.kind, error.code], MEDIA[fault]);
    });
  });
}
