import { basename, dirname, resolve } from "node:path";
import { UsageError } from "./arguments.ts";

/** The file for the video. It is tried before anything is paid for. */
export interface OutputFile {
  /** The name of the file, relative to the folder in which the command was called. */
  nameFor(jobId: string): string;
  /** Writes the whole video, or nothing. */
  write(jobId: string, video: ReadableStream<Uint8Array>): Promise<void>;
  /** Removes the part that an unfinished `write` left. */
  discard(): Promise<void>;
}

/** Finds the folder and writes a file into it for a moment. Throws `UsageError` where that is not possible. */
export async function openOutputFile(asked: string | undefined): Promise<OutputFile> {
  // `deno task` changes into the project's folder. This variable holds the folder in which it was called.
  const calledIn = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  const nameFor = (jobId: string) => asked ?? `./reelmint-${jobId}.mp4`;
  const folder = resolve(calledIn, dirname(nameFor("job")));
  const part = `${folder}/.reelmint-${crypto.randomUUID()}.part`;
  const discard = () => Deno.remove(part).catch(() => {});

  if (asked !== undefined && await isFolder(resolve(calledIn, asked))) {
    throw new UsageError(`${asked} is a folder. Name a file in it: --output ${asked.replace(/\/?$/, "/video.mp4")}`);
  }
  try {
    await Deno.writeFile(part, new Uint8Array(1), { createNew: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/\s*[:(] ?(open|writefile).*$/, "") : String(error);
    throw new UsageError(
      `The video cannot be written into ${folder}: ${reason}. Nothing was charged. Name another file with --output <file>.`,
      { cause: error },
    );
  } finally {
    await discard();
  }
  return {
    nameFor,
    async write(jobId, video) {
      await Deno.writeFile(part, video);
      await Deno.rename(part, resolve(folder, basename(nameFor(jobId))));
    },
    discard,
  };
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}
