import { findNativeRunner } from "./native-runner.ts";
import { parseProbe, type Probe } from "./probe.ts";
import type { Runner } from "./runner.ts";
import { findWasmRunner } from "./wasm-runner.ts";

export type { Probe } from "./probe.ts";

/** A run of ffmpeg. It sees its own inputs and nothing else of this machine. */
export interface FfmpegCommand {
  /** As after `ffmpeg` in a shell, each a word of its own. A JPEG needs special ones (see README.md). */
  arguments: string[];
  /** The files that the arguments name, all in one folder or in folders of it (`fonts/NotoSans.ttf`). */
  inputs: Record<string, Uint8Array>;
  /** The files that it must have written. */
  outputs: string[];
  timeoutSeconds: number;
}

/** Runs ffmpeg. */
export interface Ffmpeg {
  /** The outputs by their names. Throws `FfmpegError` if a run fails, takes too long or leaves an output out. */
  run(command: FfmpegCommand): Promise<Record<string, Uint8Array>>;
  /** What a file of sound, a picture or a film is. Throws `FfmpegError` if it is none of them. */
  probe(file: Uint8Array): Promise<Probe>;
}

/** An engine that was found; whoever found it stops it. */
export interface FfmpegEngine extends Ffmpeg {
  /** Native ffmpeg is about ten times faster than WebAssembly. */
  kind: "native" | "wasm";
  stop(): Promise<void>;
}

/** A run that failed. */
export class FfmpegError extends Error {
  override name = "FfmpegError";

  /** `log` is the end of what ffmpeg wrote. */
  constructor(readonly reason: string, readonly log: string) {
    super(log === "" ? reason : `${reason}: ${log}`);
  }
}

/** Inputs of a run, all together: what it reads is held in memory several times. */
const INPUT_LIMIT_BYTES = 200 * 2 ** 20;
const LOG_KEPT_CHARACTERS = 2000;
const PROBE_TIMEOUT_SECONDS = 20;
/** One folder deep at most, and no name that ffmpeg could take for an option or a protocol. */
const FILE_NAME = /^(?:[A-Za-z0-9_][A-Za-z0-9_-]*\/)?[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

/**
 * Finds ffmpeg: the one that `FFMPEG_PATH` names, the one in `PATH`, or `@ffmpeg/core`, which is fetched from npm when it
 * is first needed. Null where there is none; `note` is told what is then not real.
 */
export async function findFfmpeg(note: (line: string) => void = () => {}): Promise<FfmpegEngine | null> {
  const runner = await findNativeRunner(note) ?? await findWasmRunner(note);
  if (runner !== null) return new OneAtATime(runner);
  note("There is no ffmpeg, and @ffmpeg/core could not be fetched: simulated videos and tools give a canned sample.");
  return null;
}

/** An engine whose runs wait for each other: two would only share the same processor. */
class OneAtATime implements FfmpegEngine {
  #last: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(private readonly runner: Runner) {}

  get kind(): "native" | "wasm" {
    return this.runner.kind;
  }

  async run(command: FfmpegCommand): Promise<Record<string, Uint8Array>> {
    assertFiles(command);
    const args = ["-hide_banner", "-nostats", "-loglevel", "error", ...localInputs(command.arguments)];
    const { failure, log, outputs } = await this.#next(() => this.runner.execute({ ...command, arguments: args }));
    if (failure !== null) throw new FfmpegError(failure, log.trim().slice(-LOG_KEPT_CHARACTERS));
    return outputs;
  }

  async probe(file: Uint8Array): Promise<Probe> {
    const { log } = await this.#next(() =>
      this.runner.execute({
        // Without an output it describes its input, and fails.
        arguments: ["-hide_banner", ...localInputs(["-i", "file"])],
        inputs: { file },
        outputs: [],
        timeoutSeconds: PROBE_TIMEOUT_SECONDS,
      })
    );
    const probe = parseProbe(log);
    if (probe === null) throw new FfmpegError("The file has no streams", log.trim().slice(-LOG_KEPT_CHARACTERS));
    return probe;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.runner.stop();
    await this.#last;
  }

  #next<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => {
      if (this.#stopped) throw new FfmpegError("ffmpeg was stopped", "");
      return work();
    });
    this.#last = result.catch(() => {});
    return result;
  }
}

/** ffmpeg opens no address: an input is a file of its folder. */
function localInputs(args: string[]): string[] {
  return args.flatMap((word) => word === "-i" ? ["-protocol_whitelist", "file", word] : [word]);
}

function assertFiles({ inputs, outputs }: FfmpegCommand): void {
  const wrong = [...Object.keys(inputs), ...outputs].find((name) => !FILE_NAME.test(name));
  if (wrong !== undefined) throw new FfmpegError(`${JSON.stringify(wrong)} is no name of a file`, "");
  const bytes = Object.values(inputs).reduce((sum, input) => sum + input.length, 0);
  if (bytes > INPUT_LIMIT_BYTES) throw new FfmpegError(`The inputs have ${bytes} bytes`, "");
}
