import type { Probe } from "../ffmpeg/engine.ts";
import type { SampleKind } from "../shared/samples.ts";

/** A long `task dev` must not fill the memory. A backend fetches a file soon after it is made. */
const KEPT_BYTES = 256 * 2 ** 20;

/** The files of a run, and what the first of them is. */
export interface Made {
  files: Partial<Record<SampleKind, MadeFile>>;
  measures: Probe;
}

/** A file that was made. Its bytes are null once newer files have taken its place. */
export interface MadeFile {
  length: number;
  bytes: Uint8Array | null;
}

/** What was made lately, by what was asked for: the same request is made once. */
export class Shelf {
  readonly #works = new Map<string, Promise<Made>>();
  readonly #kept: { key: string; files: MadeFile[] }[] = [];

  /** What was made for `key`, or what `make` makes now. A failure is not kept. */
  get(key: string, make: () => Promise<Made>): Promise<Made> {
    const known = this.#works.get(key);
    if (known !== undefined) return known;
    const work = make();
    this.#works.set(key, work);
    work.then(({ files }) => this.#keep(key, Object.values(files)), () => this.#works.delete(key));
    return work;
  }

  #keep(key: string, files: MadeFile[]): void {
    this.#kept.push({ key, files });
    let bytes = this.#kept.flatMap((entry) => entry.files).reduce((sum, file) => sum + file.length, 0);
    while (bytes > KEPT_BYTES) {
      const oldest = this.#kept.shift();
      if (oldest === undefined) return;
      this.#works.delete(oldest.key);
      for (const file of oldest.files) {
        file.bytes = null;
        bytes -= file.length;
      }
    }
  }
}
