import { startVeoSimulator } from "../../local/simulators/veo/simulator.ts";
import { createVeoAdapter } from "../../supabase/functions/_shared/providers/veo/veo-adapter.ts";
import { PACE, type ProviderUnderTest } from "./provider-under-test.ts";

const model = "veo-3.1-fast-generate-preview";
const key = "gemini-key";
const run = { model, providerJobId: `models/${model}/operations/abc123` };

/** Veo by the Gemini API. */
export const veo: ProviderUnderTest = {
  name: "veo",
  async start(now, send) {
    // Google reports no queue: the time in it is part of the run.
    const simulator = await startVeoSimulator({ now, runMs: PACE.queueMs + PACE.runMs });
    return {
      provider: createVeoAdapter({
        key: simulator.key,
        baseUrl: simulator.baseUrl,
        ...(send === undefined ? {} : { fetch: send }),
      }),
      submissions: () => simulator.submissions,
      finish: ({ providerJobId }) => simulator.finish(providerJobId),
      advance: () => Promise.resolve(simulator.tick()),
      stop: () => simulator.stop(),
    };
  },
  connect: (origin) => createVeoAdapter({ key, baseUrl: `${origin}/v1beta` }),
  production: (send) => createVeoAdapter({ key, fetch: send }),
  keyHeader: "x-goog-api-key",
  submission: { model, input: {} },
  inputOf: (prompt) => ({ prompt, durationSeconds: 8, resolution: "720p", aspectRatio: "16:9" }),
  run,
  accepted: [{ name: run.providerJobId }, run],
  reportsQueue: false,
  checks: [
    ["only its name", { name: run.providerJobId }, { state: "running", percent: null }],
    ["done: false", { name: run.providerJobId, done: false }, { state: "running", percent: null }],
    ["metadata", { name: run.providerJobId, metadata: { state: "NEW" } }, { state: "running", percent: null }],
  ],
  failures: [
    ["safety", "rejected content_policy"],
    ["safety_silent", "rejected content_policy"],
    ["safety_prompt", "rejected content_policy"],
    // Often a false alarm, and not billed.
    ["safety_audio", "retryable content_policy"],
    ["no_samples", "rejected no_media"],
    ["empty", "rejected no_media"],
    ["error_1", "rejected cancelled_by_provider"],
    ["error_2", "retryable provider_error"],
    ["error_3", "rejected provider_rejected_input"],
    ["error_4", "retryable provider_timeout"],
    ["error_5", "rejected provider_model_missing"],
    ["error_6", "retryable provider_error"],
    ["error_7", "fatal provider_unauthorized"],
    ["error_8", "retryable provider_busy"],
    ["error_9", "rejected provider_rejected_input"],
    ["error_10", "retryable provider_error"],
    ["error_11", "rejected provider_rejected_input"],
    ["error_12", "rejected provider_rejected_input"],
    ["error_13", "retryable provider_error"],
    ["error_14", "retryable provider_busy"],
    ["error_15", "retryable provider_error"],
    ["error_16", "fatal provider_unauthorized"],
    ["error_99", "retryable provider_error"],
    ["expired", "rejected result_expired"],
    ["no_such_word", "rejected provider_rejected_input"],
  ],
  retentionMs: 2 * 24 * 3_600_000,
  unknownRun: { status: 404, body: { error: { code: 404, message: "Operation not found.", status: "NOT_FOUND" } } },
  cancels: { queued: false, running: false, ended: false, again: false },
  media: {
    url: "https://generativelanguage.googleapis.com/v1beta/files/xyz:download?alt=media",
    redirectsTo: "https://storage.googleapis.com/videos/1.mp4",
    needsKey: true,
  },
  brokenMedia: [
    ["media_dead", "rejected result_expired"],
    ["media_foreign", "rejected provider_bad_answer"],
    ["media_private_redirect", "rejected provider_bad_answer"],
    ["media_redirect_loop", "retryable provider_bad_answer"],
  ],
};
