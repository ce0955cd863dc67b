import { z } from "zod";
import { type Child, startChild } from "../../machine/child-process.ts";
import { DENO_FLAGS } from "../../machine/deno-flags.ts";
import { projectPath } from "../../machine/project.ts";
import type { FfmpegCommand } from "./engine.ts";
import { HEAVY_PACKAGES, packageFile } from "./packages/package-file.ts";
import type { Execution, Runner } from "./runner.ts";

/** What the child may take besides the time of its run, which it ends itself. */
const OVERHEAD_MS = 10_000;

const answerSchema = z.object({ failure: z.string().nullable(), log: z.string() });

/** `@ffmpeg/core` in a process of its own: a run may take up to a gigabyte, and only the end of its process stops it. */
export async function findWasmRunner(note: (line: string) => void): Promise<Runner | null> {
  const file = await packageFile(HEAVY_PACKAGES.ffmpeg, "@ffmpeg/core/wasm", note);
  return file === null ? null : new WasmRunner(file);
}

/** Keeps its child for later runs, and replaces it after a run that had to be killed. */
export class WasmRunner implements Runner {
  readonly kind = "wasm";
  #child: Promise<Child> | undefined;

  constructor(private readonly wasmFile: string) {}

  async execute(command: FfmpegCommand): Promise<Execution> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const child = await (this.#child ??= startWasmProcess(this.wasmFile));
      timer = setTimeout(() => this.stop(), command.timeoutSeconds * 1000 + OVERHEAD_MS);
      const response = await fetch(`http://127.0.0.1:${child.port}`, { method: "POST", body: toForm(command) });
      return await readAnswer(response);
    } catch (error) {
      await this.stop();
      const failure = `It took longer than ${command.timeoutSeconds} s, or crashed`;
      return { failure, log: `${error}`, outputs: {} };
    } finally {
      clearTimeout(timer);
    }
  }

  async stop(): Promise<void> {
    const starting = this.#child;
    this.#child = undefined;
    await starting?.then((child) => child.kill()).catch(() => {});
  }
}

/** It reads the package and its own thread's code, and listens on this machine; nothing else is allowed to it. */
function startWasmProcess(wasmFile: string): Promise<Child> {
  const folder = wasmFile.replace(/[^/\\]+[/\\][^/\\]+$/, "");
  return startChild({
    name: "ffmpeg process",
    command: Deno.execPath(),
    args: [
      "run",
      ...DENO_FLAGS,
      "--no-config",
      "--no-prompt",
      `--allow-read=${folder}`,
      `--allow-read=${projectPath("local/simulators/ffmpeg/wasm-worker.ts")}`,
      "--allow-net=127.0.0.1",
      projectPath("local/simulators/ffmpeg/wasm-process.ts"),
      folder,
    ],
    environment: {},
  });
}

function toForm({ inputs, ...rest }: FfmpegCommand): FormData {
  const form = new FormData();
  form.set("command", JSON.stringify(rest));
  for (const [name, bytes] of Object.entries(inputs)) form.append("input", new Blob([new Uint8Array(bytes)]), name);
  return form;
}

async function readAnswer(response: Response): Promise<Execution> {
  const form = await response.formData();
  const { failure, log } = answerSchema.parse(JSON.parse(String(form.get("answer"))));
  const outputs: Record<string, Uint8Array> = {};
  for (const file of form.getAll("output")) {
    if (file instanceof File) outputs[file.name] = await file.bytes();
  }
  return { failure, log, outputs };
}
