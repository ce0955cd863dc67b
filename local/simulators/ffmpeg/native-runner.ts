import type { FfmpegCommand } from "./engine.ts";
import type { Execution, Runner } from "./runner.ts";

/** `-timelimit` counts the seconds of each. It ends a run that nobody kills, because this process was killed. */
const PROCESSORS = navigator.hardwareConcurrency;

/** The ffmpeg of this machine, if it can do what the simulators need. */
export async function findNativeRunner(note: (line: string) => void): Promise<Runner | null> {
  const named = Deno.env.get("FFMPEG_PATH");
  const program = named || "ffmpeg";
  const lack = await lackOf(program);
  if (lack === null) return new NativeRunner(program);
  if (named || lack !== NOT_FOUND) note(`${program} is not used: ${lack}.`);
  return null;
}

const NOT_FOUND = "it cannot be started";

/** What an ffmpeg lacks: libass, `normalize` of amix (since 4.4, as xfade since 4.3), or x264. */
async function lackOf(program: string): Promise<string | null> {
  const describe = async (...args: string[]) => {
    const { stdout } = await new Deno.Command(program, {
      args: ["-hide_banner", ...args],
      stdin: "null",
      stderr: "null",
    })
      .output();
    return new TextDecoder().decode(stdout);
  };
  try {
    const [filters, mix, encoders] = await Promise.all([
      describe("-filters"),
      describe("-h", "filter=amix"),
      describe("-encoders"),
    ]);
    if (!/ subtitles /.test(filters)) return "it has no filter `subtitles` (libass)";
    if (!/ normalize /.test(mix)) return "it is older than version 4.4";
    return / libx264 /.test(encoders) ? null : "it has no x264";
  } catch {
    return NOT_FOUND;
  }
}

/** Runs each command in an empty folder of its own, without a shell. */
class NativeRunner implements Runner {
  readonly kind = "native";
  #process: Deno.ChildProcess | undefined;

  constructor(private readonly program: string) {}

  async execute(command: FfmpegCommand): Promise<Execution> {
    const folder = await Deno.makeTempDir({ prefix: "reelmint-ffmpeg-" });
    try {
      await writeFiles(folder, command.inputs);
      const { failure, log } = await this.#runIn(folder, command);
      return failure === null ? { log, ...await readFiles(folder, command.outputs) } : { failure, log, outputs: {} };
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  }

  stop(): Promise<void> {
    this.#kill();
    return Promise.resolve();
  }

  async #runIn(cwd: string, { arguments: args, timeoutSeconds }: FfmpegCommand): Promise<Omit<Execution, "outputs">> {
    const limit = ["-timelimit", String(Math.ceil(timeoutSeconds * PROCESSORS))];
    this.#process = new Deno.Command(this.program, {
      args: ["-nostdin", "-y", ...limit, ...args],
      cwd,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#kill();
    }, timeoutSeconds * 1000);
    const { success, code, stderr } = await this.#process.output();
    clearTimeout(timer);
    this.#process = undefined;
    const failure = late ? `It took longer than ${timeoutSeconds} s` : success ? null : `It ended with code ${code}`;
    return { failure, log: new TextDecoder().decode(stderr) };
  }

  #kill(): void {
    try {
      this.#process?.kill("SIGKILL");
    } catch {
      // It has just ended.
    }
  }
}

async function writeFiles(folder: string, files: Record<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of Object.entries(files)) {
    if (name.includes("/")) await Deno.mkdir(`${folder}/${name.slice(0, name.indexOf("/"))}`, { recursive: true });
    await Deno.writeFile(`${folder}/${name}`, bytes);
  }
}

async function readFiles(folder: string, names: string[]): Promise<Pick<Execution, "failure" | "outputs">> {
  const outputs: Record<string, Uint8Array> = {};
  for (const name of names) {
    try {
      outputs[name] = await Deno.readFile(`${folder}/${name}`);
    } catch {
      return { failure: `It wrote no ${name}`, outputs: {} };
    }
  }
  return { failure: null, outputs };
}
