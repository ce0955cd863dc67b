import { z } from "zod";

/** Ids of jobs in the random world: `numberIds` makes them count up. */
const JOB_ID = /00000000-0000-4000-8000-[0-9a-f]{12}/g;

const PART_LENGTH = 160;
const MOST_LINES = 60;
/** The log of a long run keeps the jobs that were used last: a shorter run has the others. */
const MOST_JOBS = 2_000;

const answerSchema = z.object({
  job: z.object({
    status: z.string(),
    progress: z.object({ stage: z.string() }),
    attempts: z.number(),
    credits_refunded: z.number(),
  }),
});

/** Of an answer with a whole job, the state of the job. */
function summaryOf(answer: string): string {
  const { job } = answerSchema.safeParse(JSON.parse(answer)).data ?? {};
  return job === undefined ? answer : JSON.stringify(job);
}

/** What the procedures did with each job, for the report of a violation. */
export class ProcedureLog {
  readonly #lines = new Map<string, string[]>();

  constructor(private readonly now: () => number) {}

  note(procedure: string, request: string, answer: string): void {
    const time = new Date(this.now()).toISOString().slice(5, 19);
    const line = `${time} ${procedure} ${request.slice(0, PART_LENGTH)} -> ${summaryOf(answer).slice(0, PART_LENGTH)}`;
    for (const job of new Set(`${request} ${answer}`.match(JOB_ID))) {
      const lines = [...this.#lines.get(job) ?? [], line].slice(-MOST_LINES);
      // A map keeps the order of insertion: the job that was used last moves to the end.
      this.#lines.delete(job);
      this.#lines.set(job, lines);
    }
    for (const [oldest] of this.#lines) {
      if (this.#lines.size <= MOST_JOBS) break;
      this.#lines.delete(oldest);
    }
  }

  /** The lines of the first job that a text names; none if it names no job. */
  linesOfJobIn(text: string): string[] {
    const [job = ""] = text.match(JOB_ID) ?? [];
    return this.#lines.get(job) ?? [];
  }
}
