import { serveOutput } from "../shared/files.ts";
import { gatewayFailure, json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import { PromptScripts } from "../shared/prompt-words.ts";
import { failureOfCall } from "../shared/script.ts";
import { answerSubmission } from "../shared/submission.ts";
import { Commands, type CommandSettings } from "./commands.ts";
import { type CommandRequest, readRequest } from "./request.ts";
import { RENDI_VOCABULARY, type RendiScript } from "./words.ts";

const SAMPLE_MODE = "Account is in Sample mode and cannot run commands on non-sample files";

/** Rendi's API without a server: each answer shows the commands as they are now. */
export class RendiRoutes {
  /** How many submissions arrived, accepted or not. */
  submissions = 0;
  readonly commands: Commands;
  readonly #scripts = new PromptScripts(RENDI_VOCABULARY);

  constructor(private readonly key: string, private readonly settings: CommandSettings) {
    this.commands = new Commands(settings);
  }

  async answer(request: SimulatedRequest): Promise<SimulatedResponse | "drop"> {
    this.settings.timeline.advance();
    const [, area = "", verb = "", id = "", part = ""] = request.path.split("/");
    if (area === "files") return this.#file(request, verb, id);
    const kind = request.method !== "POST"
      ? undefined
      : ({ "run-ffmpeg-command": "single", "run-chained-ffmpeg-commands": "chained" } as const)[verb];
    if (kind !== undefined) this.submissions++;
    if (request.headers.get("x-api-key") !== this.key) return json(401, { detail: "Invalid authorization key" });
    if (kind !== undefined) return await this.#submit(request, kind);
    if (verb !== "commands") return json(404, { detail: "Not Found" });
    if (request.method === "DELETE" && part === "files") return this.#deleteFiles(id);
    return id === "" ? this.#list() : this.#status(id);
  }

  #submit(request: SimulatedRequest, kind: "single" | "chained"): Promise<SimulatedResponse | "drop"> {
    const asked = readRequest(request.body, kind);
    if ("status" in asked) return Promise.resolve(json(asked.status, { detail: asked.detail }));
    const script = this.#scriptOf(asked);
    if (script.refusal === "sample_mode") return Promise.resolve(json(403, { detail: SAMPLE_MODE }));
    return answerSubmission(script, this.settings.timeline, {
      refuse: (code) => code > 500 ? gatewayFailure(code) : json(code, { detail: `Simulated ${code}` }),
      accept: () => json(200, { command_id: this.commands.add(kind, asked, script).id }),
    });
  }

  /** A command has no prompt: the words are in the name of a file that it reads. */
  #scriptOf({ input_files }: CommandRequest): RendiScript {
    return this.#scripts.take(Object.values(input_files).map(decode).join(" ")) ?? {};
  }

  #status(id: string): SimulatedResponse {
    const command = this.commands.find(id);
    if (command === undefined) return json(404, { detail: "Command not found" });
    const fault = failureOfCall(command.script.statusFault, ++command.calls.status);
    return fault === undefined ? json(200, this.commands.bodyOf(command)) : gatewayFailure(fault);
  }

  #list(): SimulatedResponse {
    const commands = this.commands.all.filter(({ id }) => this.commands.find(id));
    return json(
      200,
      commands.map(({ id, status, createdAt }) => ({ id, status, created_at: new Date(createdAt).toISOString() })),
    );
  }

  #deleteFiles(id: string): SimulatedResponse {
    const command = this.commands.find(id);
    if (command === undefined) return json(404, { detail: "Command not found" });
    Object.assign(command, { filesDeleted: true, made: null });
    return json(200, {});
  }

  #file(request: SimulatedRequest, id: string, name: string): SimulatedResponse {
    const command = this.commands.find(id);
    if (command === undefined || command.filesDeleted) return json(404, { detail: "File not found" });
    command.calls.file++;
    const alias = Object.entries(command.request.output_files).find(([, output]) => output === name)?.[0] ?? "";
    return serveOutput(request, name, command.script, command.made?.[alias]?.bytes);
  }
}

function decode(address: string): string {
  try {
    return decodeURIComponent(address);
  } catch {
    return address;
  }
}
