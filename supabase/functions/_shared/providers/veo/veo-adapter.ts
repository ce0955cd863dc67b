/**
 * Google's Veo as a `VideoProvider`, through the Gemini API and plain `fetch`: `@google/genai` refuses a `seed`, downloads
 * only into files of Node, and loads an auth library, a WebSocket and protobufs at every cold start.
 */

import { z } from "zod";
import { badAnswerError, createJsonApi, transient } from "../json-api.ts";
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

/** Where and as whom to call the Gemini API. */
export interface VeoConfig {
  key: string;
  /** Where the API lives instead of Google's: a simulator. Its media, and images there, are then opened too. */
  baseUrl?: string;
  fetch?: typeof fetch;
  /** Tells where the images' hosts are, to keep private ones out. */
  resolveHost?: ResolveHost | undefined;
}

const BASE_URL = "https://generativelanguage.googleapis.com/v1beta";

/** The API's own host has the files; to which of Google's hosts a download is redirected is not documented. */
const MEDIA_HOSTS = ["*.googleapis.com", "*.googleusercontent.com", "*.usercontent.google.com"];

/** An operation's name is the path of its address: `models/veo-3.1-generate-preview/operations/abc`. */
const accepted = z.object({ name: z.string().regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._~/-]*$/) });

/** Veo by Google itself; a model is the id of a Veo model, a run the name of its operation. */
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

  /** Splits a job's flat input into what is to be shown and how: everything else is a parameter by Google's own name. */
  async function requestOf(input: Submission["input"], { signal }: CallOptions): Promise<unknown> {
    const { prompt, image_url, last_frame_url, ...parameters } = input;
    const imageOf = async (url: unknown) =>
      typeof url === "string"
        ? await fetchImage(url, { signal, allowedHosts: simulatorHosts, fetch: send, resolveHost: config.resolveHost })
        : undefined;
    const [image, lastFrame] = await Promise.all([imageOf(image_url), imageOf(last_frame_url)]);
    return {
      instances: [{ prompt, ...(image && { image }), ...(lastFrame && { lastFrame }) }],
      // One is what the user paid for, whatever Google's default becomes.
      parameters: { ...parameters, sampleCount: 1 },
    };
  }

  async function check(run: ProviderRun, options: CallOptions): Promise<RunState> {
    const look = await api.ask("GET", `/${run.providerJobId}`, options);
    if ("refusal" in look) {
      const error = classifyVeo(look.refusal);
      if (!isGone(look.refusal)) throw transient(error);
      // Final, and not to be tried again: Google may have run and billed it.
      return { state: "failed", error: new ProviderError("rejected", "result_expired", error.detail) };
    }
    const state = stateOf(look.value);
    if (state === null) throw badAnswerError("the answer is no operation");
    return state;
  }

  return {
    submit,
    check,
    // No method is documented: what was submitted runs to its end and is billed.
    cancel: () => Promise.resolve(false),
    fetchMedia: (url, { signal }) =>
      fetchMedia(url, {
        allowedHosts: [...MEDIA_HOSTS, ...simulatorHosts],
        // Google's files are read with the key, which no other host is to see: `fetchMedia` keeps it off redirects elsewhere.
        ...(URL.canParse(url) && new URL(url).origin === origin ? { headers: key } : {}),
        signal,
        fetch: send,
      }),
    // No `webhook`: Google tells of finished videos only, not of failed ones, so polling has to do in any case.
  };
}
