/** Rendi, which runs ffmpeg for others, as a `VideoProvider`, through plain `fetch`: it has no SDK. */

import { z } from "zod";
import { badAnswerError, transient } from "../error-class.ts";
import { createJsonApi } from "../json-api.ts";
import { fetchMedia } from "../media.ts";
import { mediaOf } from "../output-media.ts";
import {
  type CallOptions,
  ProviderError,
  type ProviderRun,
  type RunState,
  type Submission,
  type VideoProvider,
} from "../provider.ts";
import { requestOf } from "./rendi-commands.ts";
import { classifyRendi, commandFailure, isGone } from "./rendi-errors.ts";

/** The key, and what differs from Rendi's own service. */
export interface RendiConfig {
  key: string;
  /** The URL of the API instead of Rendi's: a simulator. Its files are then opened too. */
  baseUrl?: string;
  fetch?: typeof fetch;
}

const BASE_URL = "https://api.rendi.dev/v1";

/** The files are at storage.rendi.dev; whether they can be elsewhere below is not documented. */
const MEDIA_HOSTS = ["*.rendi.dev"];

/** Always sent: Rendi's default of 8 is more than its smallest accounts have, and the longest run is 300 without it. */
const LIMITS = { max_command_run_seconds: 300, vcpu_count: 4 };

const accepted = z.object({ command_id: z.string().min(1) });

const text = z.string().nullish().catch(null);
const file = z.object({ storage_url: text }).nullish().catch(null);

const command = z.object({
  status: z.string().min(1),
  error_status: text,
  error_message: text,
  output_files: z.object({ out_video: file, out_audio: file, out_image: file }).nullish().catch(null),
});

/** Rendi's commands; a model is a template of ours, a run is a command. */
export function createRendiAdapter(config: RendiConfig): VideoProvider {
  const baseUrl = config.baseUrl ?? BASE_URL;
  const send = config.fetch ?? fetch;
  const api = createJsonApi({ baseUrl, headers: { "x-api-key": config.key }, classify: classifyRendi, fetch: send });
  const allowedHosts = [...MEDIA_HOSTS, ...(config.baseUrl ? [new URL(config.baseUrl).origin] : [])];

  async function submit({ model, input }: Submission, options: CallOptions): Promise<ProviderRun> {
    const { commands, inputFiles, outputFiles } = requestOf(model, input);
    const isOne = commands.length === 1;
    const body = {
      ...(isOne ? { ffmpeg_command: commands[0] } : { ffmpeg_commands: commands }),
      input_files: inputFiles,
      output_files: outputFiles,
      ...LIMITS,
    };
    const path = isOne ? "/run-ffmpeg-command" : "/run-chained-ffmpeg-commands";
    const answer = accepted.safeParse(await api.submit(path, body, options));
    if (!answer.success) throw badAnswerError("the submission's answer has no command_id", true);
    return { model, providerJobId: answer.data.command_id };
  }

  async function check({ providerJobId }: ProviderRun, options: CallOptions): Promise<RunState> {
    const reply = await api.ask("GET", `/commands/${encodeURIComponent(providerJobId)}`, options);
    if ("errorAnswer" in reply) {
      const error = classifyRendi(reply.errorAnswer);
      if (!isGone(reply.errorAnswer)) throw transient(error);
      // Final, and not to be tried again: Rendi may have counted the run.
      return { state: "failed", error: new ProviderError("rejected", "result_expired", error.detail) };
    }
    const found = command.safeParse(reply.value).data;
    if (found === undefined) throw badAnswerError("the command has no `status`");
    return stateOf(found);
  }

  return {
    submit,
    check,
    // No way to cancel is documented: a command goes on to its end, within the limit of its run.
    cancel: () => Promise.resolve(false),
    fetchMedia: (url, { signal }) => fetchMedia(url, { allowedHosts, signal, fetch: send }),
    // No `webhook`: Rendi has one address for an account and documents no signature, so polling is needed anyway.
  };
}

function stateOf({ status, output_files, error_status, error_message }: z.infer<typeof command>): RunState {
  switch (status) {
    case "QUEUED":
      return { state: "queued", queuePosition: null };
    case "SUCCESS":
      return finished(output_files);
    case "FAILED":
      return { state: "failed", error: commandFailure(error_status ?? "", error_message ?? "") };
    default:
      // PROCESSING and any new state: only a known state ends a run.
      return { state: "running", percent: null };
  }
}

function finished(files: z.infer<typeof command>["output_files"]): RunState {
  const media = mediaOf({
    video: files?.out_video?.storage_url,
    audio: files?.out_audio?.storage_url,
    image: files?.out_image?.storage_url,
  });
  if (Object.keys(media).length > 0) return { state: "succeeded", media };
  return { state: "failed", error: new ProviderError("rejected", "no_media", "no file in the command's output") };
}
