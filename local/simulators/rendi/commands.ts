import { mediaOrigin } from "../shared/files.ts";
import type { JsonObject } from "../shared/json.ts";
import { SAMPLE } from "../shared/samples.ts";
import type { Timeline } from "../shared/timeline.ts";
import type { CommandRequest } from "./request.ts";
import type { RendiScript } from "./words.ts";
import type { MadeFile, Work } from "./workshop.ts";

/** How long a command and its files are kept after its end. Rendi does not document it, so we chose. */
const RETENTION_MS = 3_600_000;

/** A command that was accepted. */
export interface RendiCommand {
  id: string;
  kind: "single" | "chained";
  request: CommandRequest;
  script: RendiScript;
  status: "QUEUED" | "PROCESSING" | "SUCCESS" | "FAILED";
  createdAt: number;
  endedAt: number | null;
  /** What it made, by alias; null where nothing was run, and the files are samples. */
  made: Record<string, MadeFile> | null;
  failure: RendiScript["failure"];
  /** Its files were deleted, on request. */
  filesDeleted: boolean;
  calls: { status: number; file: number };
}

/** What the commands depend on. */
export interface CommandSettings {
  timeline: Timeline;
  /** The origin of the files. */
  origin: () => string;
  /** How long a command waits and lasts where its script does not say; a real one lasts as long as it needs. */
  queueMs: number;
  runMs: number;
  /** Really does what a command says; null where there is nothing to do it with. Without it files are samples. */
  work?: ((request: CommandRequest) => Promise<Work | null>) | undefined;
}

/** The commands of the account, each at its own pace. */
export class Commands {
  readonly all: RendiCommand[] = [];
  readonly #byId = new Map<string, RendiCommand>();
  readonly #underWay = new Set<Promise<void>>();

  constructor(private readonly settings: CommandSettings) {}

  /** A command that is still kept. */
  find(id: string): RendiCommand | undefined {
    const found = this.#byId.get(id);
    const age = this.settings.timeline.now() - (found?.endedAt ?? Infinity);
    return found?.script.gone || age >= RETENTION_MS ? undefined : found;
  }

  add(kind: RendiCommand["kind"], request: CommandRequest, script: RendiScript): RendiCommand {
    const { timeline, queueMs, runMs } = this.settings;
    const now = timeline.now();
    const command: RendiCommand = {
      id: crypto.randomUUID(),
      kind,
      request,
      script,
      status: "QUEUED",
      createdAt: now,
      endedAt: null,
      made: null,
      failure: undefined,
      filesDeleted: false,
      calls: { status: 0, file: 0 },
    };
    this.all.push(command);
    this.#byId.set(command.id, command);
    const started = now + (script.queueMs ?? queueMs);
    timeline.at(started, () => command.status = command.status === "QUEUED" ? "PROCESSING" : command.status);
    if (!script.hang) timeline.at(started + (script.runMs ?? runMs), () => this.#run(command));
    return command;
  }

  /** Ends a command now, as its script says, with samples for its files. */
  end(command: RendiCommand, work: Work | null = null): void {
    if (command.endedAt !== null) return;
    const failure = command.script.failure ?? (work !== null && "failure" in work ? work.failure : undefined);
    const made = work !== null && "files" in work ? work.files : null;
    const endedAt = this.settings.timeline.now();
    Object.assign(command, { status: failure === undefined ? "SUCCESS" : "FAILED", endedAt, made, failure });
    this.settings.timeline.at(endedAt + RETENTION_MS, () => command.made = null);
  }

  /** Resolves when no command is really being run. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #run(command: RendiCommand): void {
    const { work } = this.settings;
    if (work === undefined || command.script.failure !== undefined) return this.end(command);
    const running = work(command.request).then(
      (done) => this.end(command, done),
      (error) => this.end(command, { failure: { error_status: "PROCESSING_ERROR", error_message: String(error) } }),
    ).finally(() => this.#underWay.delete(running));
    this.#underWay.add(running);
  }

  /** The command as Rendi describes it. */
  bodyOf(command: RendiCommand): JsonObject {
    const { id, kind, request, script, status, failure } = command;
    const hasFiles = status === "SUCCESS" && !script.noFiles && !command.filesDeleted;
    return {
      command_id: id,
      command_type: kind === "single" ? "FFMPEG_COMMAND" : "FFMPEG_CHAINED_COMMANDS",
      status: status === "PROCESSING" && script.unknownState ? "WARMING_UP" : status,
      vcpu_count: request.vcpu_count,
      original_request: { input_files: request.input_files, output_files: request.output_files },
      output_files: hasFiles ? this.#filesOf(command) : {},
      ...(failure === undefined ? {} : { ...failure }),
    };
  }

  #filesOf({ id, request, script, made }: RendiCommand): JsonObject {
    const folder = `${mediaOrigin(this.settings.origin(), script)}/files/${id}`;
    return Object.fromEntries(
      Object.entries(request.output_files).map(([alias, name]) => [
        alias,
        {
          file_id: `${id}-${alias}`,
          storage_url: `${folder}/${name}`,
          file_format: name.split(".").at(-1) ?? "",
          ...describe(made?.[alias]),
        },
      ]),
    );
  }
}

/** What a file is, as far as it is known: every field may be absent at Rendi too. */
function describe(file: MadeFile | undefined): JsonObject {
  if (file === undefined) return { duration: SAMPLE.seconds, width: SAMPLE.width, height: SAMPLE.height };
  const { seconds, width, height, framesPerSecond } = file.probe ?? {};
  return {
    size_mbytes: file.bytes.length / 1e6,
    ...(seconds ? { duration: seconds } : {}),
    ...(width && height ? { width, height } : {}),
    ...(framesPerSecond ? { frame_rate: framesPerSecond } : {}),
  };
}
