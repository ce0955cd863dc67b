import { startRunpodSimulator } from "../../local/simulators/runpod/simulator.ts";
import { createRunpodAdapter } from "../../supabase/functions/_shared/providers/runpod/runpod-adapter.ts";
import { PACE, type ProviderUnderTest } from "./provider-under-test.ts";

const model = "abc123xyz";
const key = "runpod-key";
const mediaHosts = ["bucket.s3.amazonaws.com", "*.r2.dev"];
const run = { model, providerJobId: "c80ffee4-f315-4e25-a146-0f3d98cf024b-u1" };

/** RunPod's queue endpoints. */
export const runpod: ProviderUnderTest = {
  name: "runpod",
  async start(now, send) {
    const simulator = await startRunpodSimulator({ now, ...PACE });
    return {
      provider: createRunpodAdapter({
        key: simulator.key,
        mediaHosts: [],
        baseUrl: simulator.baseUrl,
        ...(send === undefined ? {} : { fetch: send }),
      }),
      submissions: () => simulator.submissions,
      finish: ({ providerJobId }) => simulator.finish(providerJobId),
      advance: () => simulator.tick(),
      stop: () => simulator.stop(),
    };
  },
  connect: (origin) => createRunpodAdapter({ key, mediaHosts: [], baseUrl: `${origin}/v2` }),
  production: (send) => createRunpodAdapter({ key, mediaHosts, fetch: send }),
  keyHeader: "authorization",
  submission: { model, input: {} },
  inputOf: (prompt) => ({ positive_prompt: prompt, num_frames: 81 }),
  run,
  accepted: [{ id: run.providerJobId, status: "IN_QUEUE" }, run],
  reportsQueue: true,
  checks: [
    ["IN_QUEUE", { status: "IN_QUEUE" }, { state: "queued", queuePosition: null }],
    ["RUNNING", { status: "RUNNING" }, { state: "running", percent: null }],
    ["an unknown state", { status: "WARMING_UP" }, { state: "running", percent: null }],
    ["progress", { status: "IN_PROGRESS", output: { percent: 45.4 } }, { state: "running", percent: 45 }],
    ["a share of 1", { status: "IN_PROGRESS", output: { progress: 0.25 } }, { state: "running", percent: 25 }],
    ["progress in words", { status: "IN_PROGRESS", output: "Step 3: 30%" }, { state: "running", percent: 30 }],
    ["progress above 100%", { status: "IN_PROGRESS", output: { percent: 4e9 } }, {
      state: "running",
      percent: null,
    }],
    ["an unknown form of progress", { status: "IN_PROGRESS", output: [null] }, { state: "running", percent: null }],
  ],
  failures: [
    ["failed", "retryable provider_error"],
    ["handler_error", "retryable provider_error"],
    ["output_error", "retryable provider_error"],
    ["output_failed", "retryable provider_error"],
    ["handler_timeout", "retryable provider_timeout"],
    ["timed_out", "retryable provider_timeout"],
    ["bad_input", "rejected provider_rejected_input"],
    ["nsfw", "rejected content_policy"],
    ["cancelled", "rejected cancelled_by_provider"],
    ["no_video", "rejected no_media"],
    ["output_base64", "rejected no_media"],
    ["gone", "rejected result_expired"],
    ["no_such_word", "retryable provider_error"],
  ],
  retentionMs: 30 * 60_000,
  unknownRun: { status: 404, body: { error: "job not found" } },
  cancels: { queued: true, running: true, ended: false, again: true },
  media: {
    url: "https://bucket.s3.amazonaws.com/1.mp4?X-Amz-Signature=1",
    redirectsTo: "https://pub-1.r2.dev/1.mp4",
    needsKey: false,
  },
  brokenMedia: [
    ["media_dead", "rejected result_expired"],
    ["media_foreign", "rejected provider_bad_answer"],
    ["media_private_redirect", "rejected provider_bad_answer"],
    ["media_redirect_loop", "retryable provider_bad_answer"],
  ],
};
