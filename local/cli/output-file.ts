import { basename, dirname, resolve } from "node:path";
import { UsageError } from "./arguments.ts";

/** Where a video is to be written, tried before anything is paid for. */
export interface OutputFile {
  /** The name as a person reads it, from the folder that they called the command in. */
  nameFor(jobId: string): string;
  /** Writes the video there, whole or not at all. */
  write(jobId: string, video: ReadableStream<Uint8Array>): Promise<void>;
  /** Removes what an unfinished `write` left. */
  discard(): Promise<void>;
}

/** Finds the place and writes a file there for a moment. Throws `UsageError` where that cannot be. */
export async function openOutputFile(asked: string | undefined): Promise<OutputFile> {
  // deno task changes into the project's folder and remembers here where it was called.
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
      `No video can be written into ${folder}: ${reason}. Nothing was charged. Name another place with --output <file>.`,
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
