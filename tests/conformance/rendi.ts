import { startRendiSimulator } from "../../local/simulators/rendi/simulator.ts";
import { createRendiAdapter } from "../../supabase/functions/_shared/providers/rendi/rendi-adapter.ts";
import { PACE, type ProviderUnderTest } from "./provider-under-test.ts";

const model = "trim";
const key = "rendi-key";
const id = "7b0f1c7e-3c4b-4a55-9a7e-1d2f3a4b5c6d";
const run = { model, providerJobId: id };

/** Rendi's commands. The words for its simulator are in the address of a file. */
export const rendi: ProviderUnderTest = {
  name: "rendi",
  async start(now, send) {
    const simulator = await startRendiSimulator({ now, ...PACE });
    return {
      provider: createRendiAdapter({
        key: simulator.key,
        baseUrl: simulator.baseUrl,
        ...(send === undefined ? {} : { fetch: send }),
      }),
      submissions: () => simulator.submissions,
      finish: ({ providerJobId }) => simulator.finish(providerJobId),
      advance: () => simulator.tick(),
      stop: () => simulator.stop(),
    };
  },
  connect: (origin) => createRendiAdapter({ key, baseUrl: `${origin}/v1` }),
  production: (send) => createRendiAdapter({ key, fetch: send }),
  keyHeader: "x-api-key",
  submission: { model, input: {} },
  inputOf: (prompt) => ({ video_url: `https://files.example/${encodeURIComponent(prompt)}.mp4`, seconds: 2 }),
  run,
  accepted: [{ command_id: id }, run],
  reportsQueue: true,
  checks: [
    ["QUEUED", { command_id: id, status: "QUEUED" }, { state: "queued", queuePosition: null }],
    ["PROCESSING", { command_id: id, status: "PROCESSING" }, { state: "running", percent: null }],
    ["an unknown state", { command_id: id, status: "TIMEOUT" }, { state: "running", percent: null }],
    ["a state in small letters", { command_id: id, status: "success" }, { state: "running", percent: null }],
  ],
  failures: [
    ["unreachable", "retryable input_unavailable"],
    ["timeout", "retryable provider_timeout"],
    ["out_of_memory", "retryable provider_error"],
    // The same file would fail again; the user is not to blame for it.
    ["bad_file", "rejected provider_error"],
    ["no_files", "rejected no_media"],
    ["gone", "rejected result_expired"],
    ["no_such_word", "retryable provider_error"],
  ],
  retentionMs: 3_600_000,
  unknownRun: { status: 404, body: { detail: "Command not found" } },
  cancels: { queued: false, running: false, ended: false, again: false },
  media: {
    url: "https://storage.rendi.dev/files/1/video.mp4",
    redirectsTo: "https://cdn.rendi.dev/files/1/video.mp4",
    needsKey: false,
  },
  brokenMedia: [
    ["media_dead", "rejected result_expired"],
    ["media_foreign", "rejected provider_bad_answer"],
    ["media_private_redirect", "rejected provider_bad_answer"],
    ["media_redirect_loop", "retryable provider_bad_answer"],
  ],
};
