import { z } from "zod";
import { Violation } from "../runtime/violation.ts";

const pageSchema = z.object({
  videos: z.array(z.union([
    z.object({ job_id: z.string(), deleted_at: z.string() }),
    z.object({
      job_id: z.string(),
      status: z.string(),
      updated_at: z.string(),
      progress: z.object({ percent: z.number() }),
    })
      .transform(({ job_id, status, updated_at, progress }) => ({
        job_id,
        state: `${status} ${progress.percent} ${updated_at}`,
      })),
  ])),
  next_cursor: z.string().nullable(),
  server_time_ms: z.number(),
});
type Page = z.infer<typeof pageSchema>;

/** The app's copy of its user's videos. The app asks only for what has changed since its last request. */
export class ClientCache {
  #states = new Map<string, string>();
  #sinceMs = 0;
  #syncs = 0;

  /** Requests all pages, then applies them at once. If another sync has finished meanwhile, this one is dropped. */
  async sync(ask: (query: string) => Promise<{ status: number; body: unknown }>): Promise<number> {
    const begun = this.#syncs;
    const states = new Map(this.#states);
    let cursor = "";
    let first: Page | undefined;
    do {
      const { status, body } = await ask(`?updated_since=${this.#sinceMs}&limit=7${cursor}`);
      if (status !== 200) return status;
      const page = pageSchema.parse(body);
      for (const video of page.videos) {
        if ("state" in video) states.set(video.job_id, video.state);
        else states.delete(video.job_id);
      }
      first ??= page;
      cursor = page.next_cursor === null ? "" : `&cursor=${page.next_cursor}`;
    } while (cursor !== "");
    if (this.#syncs === begun) {
      this.#states = states;
      this.#sinceMs = first.server_time_ms;
      this.#syncs++;
    }
    return 200;
  }

  get used(): boolean {
    return this.#syncs > 0;
  }

  /** Compares the copy with the database. Call it after a last sync. */
  check(userId: string, truth: ReadonlyMap<string, string>): void {
    for (const id of new Set([...truth.keys(), ...this.#states.keys()])) {
      if (truth.get(id) === this.#states.get(id)) continue;
      throw new Violation(
        `${userId}'s app never learned of job ${id}: it has ${this.#states.get(id)}, the truth is ${truth.get(id)}`,
      );
    }
  }
}
