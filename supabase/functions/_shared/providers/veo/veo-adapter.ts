/**
 * Google's Veo as a `VideoProvider`, through the Gemini API and plain `fetch`: `@google/genai` refuses a `seed`,
 * downloads only into files of Node, and loads an auth library, a WebSocket and protobufs at every cold start.
 */

import { z } from "zod";
import { badAnswerError, transient } from "../error-class.ts";
import { createJsonApi } from "../json-api.ts";
import type { ResolveHost } from "../resolve-host.ts";
import { fetchMedia } from "../media.ts";
import {
  type CallOptions,
  ProviderError,
  type ProviderRun,
  type RunState,
  type Submission,
  type VideoProvider,
} from "../provider.ts";
import { classifyVeo, isGone } from "./veo-errors.ts";
import { fetchImage } from "./veo-image.ts";
import { stateOf } from "./veo-operation.ts";

/** The key, and what differs from Google's own service. */
export interface VeoConfig {
  key: string;
  /** The URL of the API instead of Google's: a simulator. Its media, and images there, are then opened too. */
  baseUrl?: string;
  fetch?: typeof fetch;
  /** Resolves the hosts of images, so that private ones are refused. */
  resolveHost?: ResolveHost | undefined;
}

const BASE_URL = "https://generativelanguage.googleapis.com/v1beta";

/** The files are on the API's own host; the Google host to which a download is redirected is not documented. */
const MEDIA_HOSTS = ["*.googleapis.com", "*.googleusercontent.com", "*.usercontent.google.com"];

/** An operation's name is the path of its URL: `models/veo-3.1-generate-preview/operations/abc`. */
const accepted = z.object({ name: z.string().regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._~/-]*$/) });

/** Veo by Google itself; a model is the id of a Veo model, a run is the name of its operation. */
export function createVeoAdapter(config: VeoConfig): VideoProvider {
  const baseUrl = config.baseUrl ?? BASE_URL;
  const { origin } = new URL(baseUrl);
  const send = config.fetch ?? fetch;
  const key = { "x-goog-api-key": config.key };
  const api = createJsonApi({ baseUrl, headers: key, classify: classifyVeo, fetch: send });
  const simulatorHosts = config.baseUrl ? [origin] : [];

  async function submit(submission: Submission, options: CallOptions): Promise<ProviderRun> {
    const body = await requestOf(submission.input, options);
    const path = `/models/${encodeURIComponent(submission.model)}:predictLongRunning`;
    const answer = accepted.safeParse(await api.submit(path, body, options));
    if (!answer.success) throw badAnswerError("the submission's answer names no operation", true);
    return { model: submission.model, providerJobId: answer.data.name };
  }

  /** Google's request for a job's flat input: prompt and images are the instance, every other field is a parameter. */
  async function requestOf(input: Submission["input"], { signal }: CallOptions): Promise<unknown> {
    const { prompt, image_url, last_frame_url, ...parameters } = input;
    const imageOf = async (url: unknown) =>
      typeof url === "string"
        ? await fetchImage(url, { signal, allowedHosts: simulatorHosts, fetch: send, resolveHost: config.resolveHost })
        : undefined;
    const [image, lastFrame] = await Promise.all([imageOf(image_url), imageOf(last_frame_url)]);
    return {
      instances: [{ prompt, ...(image && { image }), ...(lastFrame && { lastFrame }) }],
      // The user paid for one video; Google's default may change.
      parameters: { ...parameters, sampleCount: 1 },
    };
  }

  async function check(run: ProviderRun, options: CallOptions): Promise<RunState> {
    const reply = await api.ask("GET", `/${run.providerJobId}`, options);
    if ("errorAnswer" in reply) {
      const error = classifyVeo(reply.errorAnswer);
      if (!isGone(reply.errorAnswer)) throw transient(error);
      // Final, and not to be tried again: Google may have billed the run.
      return { state: "failed", error: new ProviderError("rejected", "result_expired", error.detail) };
    }
    const state = stateOf(reply.value);
    if (state === null) throw badAnswerError("the answer is no operation");
    return state;
  }

  return {
    submit,
    check,
    // No way to cancel is documented: a run goes on to its end and is billed.
    cancel: () => Promise.resolve(false),
    fetchMedia: (url, { signal }) =>
      fetchMedia(url, {
        allowedHosts: [...MEDIA_HOSTS, ...simulatorHosts],
        // Google's files open with the key only. `fetchMedia` sends it to no other host, also not after a redirect.
        ...(URL.canParse(url) && new URL(url).origin === origin ? { headers: key } : {}),
        signal,
        fetch: send,
      }),
    // No `webhook`: Google sends one for finished videos only, not for failed ones, so polling is needed anyway.
  };
}
