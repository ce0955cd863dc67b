import { z } from "zod";
import { Violation } from "./violation.ts";

const viewSchema = z.object({
  job_id: z.string(),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  updated_at: z.string(),
  credits_used: z.number(),
  credits_refunded: z.number(),
  error_code: z.string().nullable(),
  video_url: z.string().nullable(),
  progress: z.object({ percent: z.number() }),
});
type View = z.infer<typeof viewSchema>;

/** Answers that came before the ones that are still kept are older than any request under way. */
const KEPT = 12;
const RANK = { pending: 0, processing: 1, completed: 2, failed: 2 };

/** What the owner of one job was told of it, answer by answer. */
export class JobHistory {
  /** Whether its owner asked for its deletion, and since when it is known to be gone, in the order of events. */
  deletionAsked = false;
  goneSince = Infinity;
  #seen: { finished: number; view: View }[] = [];

  /** `since`: the start of the request that made it, in the world's time. */
  constructor(readonly jobId: string, readonly since: number, readonly nodeId: string | null) {}

  /** Checks one more answer: nothing goes back compared with answers that came before its request was made. */
  check(body: unknown, started: number, finished: number): View {
    const view = viewSchema.parse(body);
    if (view.job_id !== this.jobId) throw new Violation(`Asked for ${this.jobId}, told of ${view.job_id}`);
    for (const { view: earlier } of this.#seen.filter((seen) => seen.finished < started)) {
      const wrong = stepBack(earlier, view);
      if (wrong !== null) throw new Violation(`Job ${this.jobId}: ${wrong}, ${JSON.stringify([earlier, view])}`);
    }
    const refunded = view.status === "failed" ? view.credits_used : 0;
    if (view.credits_refunded !== refunded || (view.status === "failed") !== (view.error_code !== null)) {
      throw new Violation(`Job ${this.jobId} contradicts itself: ${JSON.stringify(view)}`);
    }
    // The file may go between the read of the job and the signing of its address.
    const lacksVideo = view.video_url === null && !this.deletionAsked;
    if (view.status === "completed" ? lacksVideo : view.video_url !== null) {
      throw new Violation(`Job ${this.jobId} is ${view.status} with the video ${view.video_url}`);
    }
    this.#seen = [...this.#seen.slice(1 - KEPT), { finished, view }];
    return view;
  }
}

function stepBack(earlier: View, later: View): string | null {
  if (RANK[later.status] < RANK[earlier.status]) return "its status went back";
  if (RANK[earlier.status] === 2 && later.status !== earlier.status) return "its final status changed";
  if (later.progress.percent < earlier.progress.percent) return "its percentage fell";
  if (later.updated_at < earlier.updated_at) return "updated_at went back";
  return earlier.credits_used === later.credits_used ? null : "its price changed";
}
