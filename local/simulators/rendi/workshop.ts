import { type Ffmpeg, FfmpegError, type Probe } from "../ffmpeg/engine.ts";
import { wordsOf } from "./command.ts";
import type { CommandRequest } from "./request.ts";
import type { Failure } from "./words.ts";

/** A file that a command has made. */
export interface MadeFile {
  bytes: Uint8Array<ArrayBuffer>;
  /** Null for what is no film, picture or sound. */
  probe: Probe | null;
}

/** The files of a command by their aliases, or why it failed. */
export type Work = { files: Record<string, MadeFile> } | { failure: Failure };

/** All inputs of a command together, less than the engine takes. */
const INPUT_BYTES = 150 * 2 ** 20;
const DOWNLOAD_MS = 30_000;

/** Fetches a file. */
export type FetchInput = (url: string) => Promise<Uint8Array>;

/** Downloads the inputs of a command and runs it. */
export async function runCommand(
  ffmpeg: Ffmpeg,
  request: CommandRequest,
  fetchInput: FetchInput = fetchFile,
): Promise<Work> {
  let inputs: Record<string, Uint8Array>;
  try {
    inputs = await download(request.input_files, fetchInput);
  } catch (error) {
    return { failure: { error_status: "UNREACHABLE_INPUT_FILE", error_message: String(error) } };
  }
  try {
    return { files: await describe(ffmpeg, request, await runAll(ffmpeg, request, inputs)) };
  } catch (error) {
    if (!(error instanceof FfmpegError)) throw error;
    return { failure: { error_status: "PROCESSING_ERROR", error_message: error.message } };
  }
}

/** One command after the other. Each gets the files that it names. */
async function runAll(
  ffmpeg: Ffmpeg,
  { commands, output_files, max_command_run_seconds }: CommandRequest,
  inputs: Record<string, Uint8Array>,
): Promise<Record<string, Uint8Array>> {
  const files = { ...inputs };
  const end = performance.now() + max_command_run_seconds * 1000;
  for (const command of commands) {
    const words = wordsOf(command)?.map((word) =>
      word.replaceAll(/\{\{(\w+)\}\}/g, (_, alias) => nameOf(alias, output_files))
    );
    const named = Object.keys({ ...inputs, ...output_files }).filter((alias) => command.includes(`{{${alias}}}`));
    const toMake = named.filter((alias) => files[alias] === undefined);
    const made = await ffmpeg.run({
      arguments: words ?? [],
      inputs: Object.fromEntries(
        named.flatMap((alias) => files[alias] === undefined ? [] : [[nameOf(alias, output_files), files[alias]]]),
      ),
      outputs: toMake.map((alias) => nameOf(alias, output_files)),
      timeoutSeconds: Math.max(1, (end - performance.now()) / 1000),
    });
    for (const alias of toMake) files[alias] = made[nameOf(alias, output_files)] ?? new Uint8Array();
  }
  return files;
}

/** The name of a file in the folder of a run: nothing that a request has chosen, but the extension of an output. */
function nameOf(alias: string, outputs: Readonly<Record<string, string>>): string {
  return alias in outputs ? `${alias}.${outputs[alias]?.split(".").at(-1)}` : alias;
}

async function describe(
  ffmpeg: Ffmpeg,
  { output_files }: CommandRequest,
  files: Record<string, Uint8Array>,
): Promise<Record<string, MadeFile>> {
  const described: Record<string, MadeFile> = {};
  for (const alias of Object.keys(output_files)) {
    const bytes = new Uint8Array(files[alias] ?? []);
    described[alias] = { bytes, probe: await ffmpeg.probe(bytes).catch(() => null) };
  }
  return described;
}

async function download(
  addresses: Readonly<Record<string, string>>,
  fetchInput: FetchInput,
): Promise<Record<string, Uint8Array>> {
  let left = INPUT_BYTES;
  const files: Record<string, Uint8Array> = {};
  for (const [alias, address] of Object.entries(addresses)) {
    const file = await fetchInput(address).catch((cause) => {
      throw new Error(`${alias}: ${cause}`);
    });
    left -= file.length;
    if (left < 0) throw new Error(`${alias}: the inputs are larger than ${INPUT_BYTES} bytes`);
    files[alias] = file;
  }
  return files;
}

async function fetchFile(address: string): Promise<Uint8Array> {
  // A redirect could lead anywhere on this machine.
  const response = await fetch(address, { redirect: "error", signal: AbortSignal.timeout(DOWNLOAD_MS) });
  if (response.ok) return await response.bytes();
  await response.body?.cancel();
  throw new Error(`HTTP ${response.status}`);
}
