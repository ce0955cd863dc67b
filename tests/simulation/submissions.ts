import type { Run } from "../../local/fal-simulator/run-queue.ts";
import { z } from "zod";
import type { Counts } from "./counts.ts";
import { Violation } from "./violation.ts";

const argumentSchema = z.object({ p_provider_job_id: z.string() });

/** The procedures that note a run as their job's current one, by the answer with which they did. */
const TELLING: Readonly<Record<string, z.ZodType>> = {
  record_submission: z.object({ applied: z.literal(true) }),
  wake_job: z.object({ outcome: z.literal("woken") }),
  adopt_run: z.object({ work: z.object({}) }),
};

/** Work to be submitted, wherever it stands in an answer. */
const opening = z.object({ action: z.literal("submit"), job_id: z.string(), attempt: z.number() });
const openings = z.union([
  opening.transform((work) => [work]),
  z.object({ work: opening }).transform(({ work }) => [work]),
  z.array(z.unknown()).transform((list) => list.flatMap((work) => opening.safeParse(work).data ?? [])),
]);

/** How long a run whose answer was lost may still report itself before another is paid for (see `app_settings`). */
const GRACE_MS = 120_000;

interface Attempt {
  attempt: number;
  run: Run;
}

/** Which runs the database came to know while they were current (the others were lost from sight), and what it had sent. */
export class Submissions {
  /** The order in which the database did things. */
  #events = 0;
  /** By run: when it became known. */
  readonly #known = new Map<string, number>();
  /** By job and attempt. */
  readonly #opened = new Map<string, { event: number; at: number }>();

  constructor(private readonly counts: Counts, private readonly now: () => number) {}

  /** To be told the answer of each procedure. */
  observe(procedure: string, request: string, answer: string): void {
    const event = ++this.#events;
    const parsed: unknown = JSON.parse(answer);
    for (const { job_id, attempt } of openings.safeParse(parsed).data ?? []) {
      this.#opened.set(`${job_id} ${attempt}`, { event, at: this.now() });
    }
    if (!TELLING[procedure]?.safeParse(parsed).success) return;
    const { p_provider_job_id: run } = argumentSchema.parse(JSON.parse(request));
    if (!this.#known.has(run)) this.#known.set(run, event);
  }

  /**
   * Each attempt was sent at most once, and another only after the run before it was refused, lost from sight, or had
   * failed: a run that we knew of and that was alive is never paid for twice, and a lost one is given time to report.
   */
  check(runs: readonly Run[]): void {
    const jobs = new Map<string, Attempt[]>();
    for (const run of runs) {
      const query = new URL(run.webhookUrl ?? "").searchParams;
      const job = query.get("job") ?? "";
      jobs.set(job, [...(jobs.get(job) ?? []), { attempt: Number(query.get("attempt")), run }]);
    }
    for (const [job, attempts] of jobs) {
      this.counts.add("submissions", `jobs with ${attempts.length} accepted runs`);
      attempts.sort((a, b) => a.attempt - b.attempt);
      for (const [place, next] of attempts.slice(1).entries()) {
        const before = attempts[place];
        if (before !== undefined) this.#checkNext(job, before, next);
      }
    }
  }

  #checkNext(job: string, before: Attempt, { attempt }: Attempt): void {
    if (before.attempt === attempt) throw new Violation(`Attempt ${attempt} of ${job} was sent twice`);
    // Its opening counts, not its sending: the two may be far apart where a process stalls between them.
    const opened = this.#opened.get(`${job} ${attempt}`);
    const openedAfter = this.#opened.get(`${job} ${before.attempt + 1}`);
    const openedBefore = this.#opened.get(`${job} ${before.attempt}`);
    if (opened === undefined || openedBefore === undefined) {
      throw new Violation(`${job} was sent without an attempt`);
    }
    const { run } = before;
    if ((this.#known.get(run.id) ?? Infinity) > opened.event) {
      const pause = (openedAfter ?? opened).at - openedBefore.at;
      if (pause < GRACE_MS) {
        throw new Violation(`${job} was sent again ${pause} ms after a run that may live, ${run.id}`);
      }
      this.counts.add("submissions", "again after a lost run");
      return;
    }
    // A text with the status 500 counts as the run's own failure, which fal hands through.
    const failed = run.resultStatus !== 200 || run.script.resultFault?.code === 500;
    if (!failed || run.completedAt === null || run.completedAt > opened.at) {
      throw new Violation(`${job} was sent again, as attempt ${attempt}, while its run ${run.id} was alive`);
    }
    this.counts.add("submissions", "again after a failed run");
  }
}
