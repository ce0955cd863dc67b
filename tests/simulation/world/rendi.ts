import { z } from "zod";
import {
  gatewayFailure,
  type SimulatedRequest,
  type SimulatedResponse,
} from "../../../local/simulators/shared/http.ts";
import { SAMPLE } from "../../../local/simulators/shared/samples.ts";
import type { Timeline } from "../../../local/simulators/shared/timeline.ts";
import type { RendiCommand } from "../../../local/simulators/rendi/commands.ts";
import { RendiRoutes } from "../../../local/simulators/rendi/routes.ts";
import { randomCommandWords } from "../faults/prompt-words.ts";
import { currentProcess, type OpenedAttempt } from "../runtime/process.ts";
import { BROKEN_BODY, toResponse, toSimulatedRequest } from "./provider-http.ts";

/** No server listens here. The simulator's word for a foreign host needs a local address. */
const ORIGIN = "http://127.0.0.1:18003";

const submission = z.looseObject({ input_files: z.record(z.string(), z.string()) });

/** The Rendi simulator in this process, which runs no ffmpeg. It has no webhooks. */
export class RendiProvider {
  readonly url = `${ORIGIN}/v1`;
  /** The host of files that may not be opened. */
  readonly foreignOrigin = ORIGIN.replace("127.0.0.1", "localhost");
  readonly key = "simulated-rendi-key";
  /** The status with which an outage answers every call; 0 for no outage. */
  outage = 0;
  /** The attempt of each command. Requests to Rendi do not name it. */
  readonly attempts = new Map<string, OpenedAttempt>();
  /** The job that a file belongs to. */
  jobOf: (url: URL) => string | undefined = () => undefined;
  /** Whether Rendi could fetch a file from an address. */
  canFetch: (url: URL) => boolean = () => true;
  /** The first address of an input that Rendi could not fetch, or that no attempt explains; null for none. */
  badInput: string | null = null;
  readonly #routes: RendiRoutes;

  constructor(timeline: Timeline) {
    this.#routes = new RendiRoutes(this.key, { timeline, origin: () => ORIGIN, queueMs: 2_000, runMs: 5_000 });
  }

  get commands(): readonly RendiCommand[] {
    return this.#routes.commands.all;
  }

  static pointOf(method: string, url: URL): string {
    if (url.pathname.startsWith("/files/")) return "rendi file";
    return method === "POST" ? "rendi submit" : "rendi status";
  }

  async call(method: string, url: URL, init: RequestInit): Promise<Response> {
    const reply = await this.#answer(await toSimulatedRequest(method, url, init));
    if (reply === "drop") throw new TypeError(BROKEN_BODY);
    return toResponse(reply);
  }

  /** The size of the file at an address; undefined if no command made it. */
  fileBytes(url: URL): number | undefined {
    const [, , id = "", name = ""] = url.pathname.split("/");
    if (!this.attempts.has(id)) return undefined;
    return name.endsWith(".jpg") ? SAMPLE.bytes.jpg : SAMPLE.bytes.mp4;
  }

  async #answer(call: SimulatedRequest): Promise<SimulatedResponse | "drop"> {
    if (call.path.startsWith("/files/")) return await this.#routes.answer(call);
    if (this.outage !== 0) return gatewayFailure(this.outage);
    if (call.method !== "POST") return await this.#routes.answer(call);
    const asked = submission.parse(JSON.parse(call.body));
    const addresses = Object.values(asked.input_files).map((address) => new URL(address));
    const bad = addresses.find((url) => !this.canFetch(url));
    // Noted, not thrown: the waiting submission would take an error for a network fault.
    if (bad !== undefined) this.badInput ??= `Rendi was sent ${bad}`;
    const known = this.commands.length;
    const replying = this.#routes.answer(withFate(call, asked));
    const command = this.commands[known];
    if (command !== undefined) this.#note(command, addresses);
    return await replying;
  }

  /** A process may have opened attempts of several jobs. */
  #note(command: RendiCommand, addresses: URL[]): void {
    const jobs = addresses.map((url) => this.jobOf(url));
    const opened = currentProcess().opened.findLast(({ job }) => jobs.includes(job));
    if (opened === undefined) this.badInput ??= `Rendi was sent ${addresses}, which belong to no attempt`;
    else this.attempts.set(command.id, opened);
  }
}

/** Adds random words to the address of the first file. */
function withFate(call: SimulatedRequest, asked: z.infer<typeof submission>): SimulatedRequest {
  const words = encodeURIComponent(randomCommandWords(currentProcess().random));
  const files = Object.entries(asked.input_files).map(([alias, address], index) =>
    [alias, index === 0 ? `${address}#${words}` : address] as const
  );
  return { ...call, body: JSON.stringify({ ...asked, input_files: Object.fromEntries(files) }) };
}

/** Whether an ended command made its file. */
export function madeFile({ status, script }: RendiCommand): boolean {
  return status === "SUCCESS" && !script.noFiles && !script.gone;
}
