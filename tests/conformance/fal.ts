import { startFalSimulator } from "../../local/simulators/fal/simulator.ts";
import { createFalAdapter } from "../../supabase/functions/_shared/providers/fal/falai-adapter.ts";
import { PACE, type ProviderUnderTest } from "./provider-under-test.ts";

const model = "fal-ai/veo3.1/fast";
const key = "id:secret";
const run = { model, providerJobId: "019e0000-aaaa-7bbb-8ccc-0123456789ab" };

/** fal.ai. */
export const fal: ProviderUnderTest = {
  name: "fal",
  async start(now, send) {
    const simulator = await startFalSimulator({ now, ...PACE });
    return {
      provider: createFalAdapter({
        key: simulator.key,
        queueUrl: simulator.url,
        jwksUrl: simulator.jwksUrl,
        now,
        ...(send === undefined ? {} : { fetch: send }),
      }),
      submissions: () => simulator.submissions,
      finish: ({ providerJobId }) => simulator.finish(providerJobId),
      advance: () => simulator.tick(),
      stop: () => simulator.stop(),
    };
  },
  connect: (origin) => createFalAdapter({ key, queueUrl: origin }),
  production: (send) => createFalAdapter({ key, fetch: send }),
  keyHeader: "authorization",
  submission: { model, input: {} },
  inputOf: (prompt) => ({ prompt, duration: "8s" }),
  run,
  accepted: [{ status: "IN_QUEUE", request_id: run.providerJobId }, run],
  reportsQueue: true,
  checks: [
    ["a place in the queue", { status: "IN_QUEUE", queue_position: 3 }, { state: "queued", queuePosition: 3 }],
    ["no place in the queue", { status: "IN_QUEUE", queue_position: "soon" }, { state: "queued", queuePosition: null }],
    ["half a place", { status: "IN_QUEUE", queue_position: 2.5 }, {
      state: "queued",
      queuePosition: null,
    }],
    ["IN_PROGRESS", { status: "IN_PROGRESS", logs: null, error: null }, { state: "running", percent: null }],
    ["an unknown state", { status: "WARMING_UP" }, { state: "running", percent: null }],
  ],
  failures: [
    ["content_policy", "rejected content_policy"],
    ["no_media", "rejected no_media"],
    ["no_video", "rejected no_media"],
    ["validation", "rejected provider_rejected_input"],
    ["image_too_small", "rejected image_rejected"],
    ["server_error", "retryable provider_error"],
    ["internal_server_error_final", "rejected provider_error"],
    ["generation_timeout", "retryable provider_timeout"],
    ["request_timeout", "retryable provider_timeout"],
    ["user_timeout", "rejected provider_timeout"],
    ["downstream_service_error", "retryable provider_error"],
    ["downstream_service_unavailable", "retryable provider_busy"],
    ["runner_disconnected", "retryable provider_error"],
    ["runner_incomplete_response", "retryable provider_error"],
    ["client_cancelled", "rejected cancelled_by_provider"],
    ["expired", "rejected result_expired"],
  ],
  retentionMs: 30 * 24 * 3_600_000,
  unknownRun: { status: 404, body: { status: "NOT_FOUND" } },
  cancels: { queued: true, running: true, ended: false, again: false },
  media: {
    url: "https://v3b.fal.media/files/1.mp4",
    redirectsTo: "https://storage.googleapis.com/falserverless/1.mp4",
    needsKey: false,
  },
  brokenMedia: [
    ["media_dead", "rejected result_expired"],
    ["media_foreign", "rejected provider_bad_answer"],
    ["media_private_redirect", "rejected provider_bad_answer"],
    ["media_redirect_loop", "retryable provider_bad_answer"],
  ],
};
