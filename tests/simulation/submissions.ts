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
  /** Its place among all runs, in the order in which fal took them. */
  index: number;
  run: Run;
}

/** Which runs the database came to know while they were current: the others were lost from sight. */
export class Submissions {
  /** By run: how many runs there were when it became known. */
  readonly #known = new Map<string, number>();
  /** By job and attempt: when it was opened. */
  readonly #opened = new Map<string, number>();
  /** To be set: how many runs there are. */
  countRuns: () => number = () => 0;

  constructor(private readonly counts: Counts, private readonly now: () => number) {}

  /** To be told the answer of each procedure. */
  observe(procedure: string, request: string, answer: string): void {
    const parsed: unknown = JSON.parse(answer);
    for (const { job_id, attempt } of openings.safeParse(parsed).data ?? []) {
      this.#opened.set(`${job_id} ${attempt}`, this.now());
    }
    if (!TELLING[procedure]?.safeParse(parsed).success) return;
    const { p_provider_job_id: run } = argumentSchema.parse(JSON.parse(request));
    if (!this.#known.has(run)) this.#known.set(run, this.countRuns());
  }

  /**
   * Each attempt was sent at most once, and another only after the run before it was refused, lost from sight, or had
   * failed: a run that we knew of and that was alive is never paid for twice, and a lost one is given time to report.
   */
  check(runs: readonly Run[]): void {
    const jobs = new Map<string, Attempt[]>();
    for (const [index, run] of runs.entries()) {
      const query = new URL(run.webhookUrl ?? "").searchParams;
      const job = query.get("job") ?? "";
      jobs.set(job, [...(jobs.get(job) ?? []), { attempt: Number(query.get("attempt")), index, run }]);
    }
    for (const [job, attempts] of jobs) this.#checkJob(job, attempts);
  }

  #checkJob(job: string, attempts: Attempt[]): void {
    this.counts.add("submissions", `jobs with ${attempts.length} accepted runs`);
    attempts.sort((a, b) => a.attempt - b.attempt);
    for (const [place, { attempt, index, run }] of attempts.entries()) {
      const before = attempts[place - 1];
      if (before === undefined) continue;
      if (before.attempt === attempt) throw new Violation(`Attempt ${attempt} of ${job} was sent twice`);
      const known = (this.#known.get(before.run.id) ?? Infinity) <= index;
      // A text with the status 500 counts as the run's own failure, which fal hands through.
      const failed = before.run.completedAt !== null && before.run.completedAt <= run.createdAt &&
        (before.run.resultStatus !== 200 || before.run.script.resultFault?.code === 500);
      if (known && !failed) {
        throw new Violation(
          `${job} was sent again while a run of it was alive: ${JSON.stringify([before, { attempt, run }])}`,
        );
      }
      const pause = (this.#opened.get(`${job} ${before.attempt + 1}`) ?? Infinity) -
        (this.#opened.get(`${job} ${before.attempt}`) ?? -Infinity);
      if (!known && pause < GRACE_MS) {
        throw new Violation(`${job} was sent again ${pause} ms after a run that may live`);
      }
      this.counts.add("submissions", known ? "again after a failed run" : "again after a lost run");
    }
  }
}
