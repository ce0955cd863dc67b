import { z } from "zod";
import type { CoverageCounts } from "../runtime/coverage-counts.ts";
import { currentProcess } from "../runtime/process.ts";
import { Violation } from "../runtime/violation.ts";

/** A run that some provider took: whose it is, and how and when it ended. */
export interface PaidRun {
  provider: "fal" | "runpod" | "veo";
  /** As the provider told it. */
  id: string;
  job: string;
  attempt: number;
  succeededAt: number | null;
  failedAt: number | null;
}

const argumentSchema = z.object({ p_provider_job_id: z.string() });

/** The procedures that note a run as their job's current one, by the answer with which they did. */
const TELLING: Readonly<Record<string, z.ZodType>> = {
  record_submission: z.object({ applied: z.literal(true) }),
  wake_job: z.object({ outcome: z.literal("woken") }),
  adopt_run: z.object({ leased_job: z.object({}) }),
};

/** Work to be submitted, wherever it stands in an answer. */
const opening = z.object({
  action: z.literal("submit"),
  job_id: z.string(),
  attempt: z.number(),
  step: z.object({ name: z.string(), optional: z.boolean(), input: z.object({ prompt: z.string().optional() }) }),
});
const openings = z.union([
  opening.transform((work) => [work]),
  z.object({ leased_job: opening }).transform(({ leased_job }) => [leased_job]),
  z.array(z.unknown()).transform((list) => list.flatMap((work) => opening.safeParse(work).data ?? [])),
]);

/**
 * How long a run whose answer was lost may still report itself before another is paid for (see `app_settings`), but for
 * the milliseconds that the database's clock runs ahead by its own readings.
 */
const GRACE_MS = 120_000 - 100;

interface Opened {
  event: number;
  at: number;
  step: { name: string; optional: boolean };
}

/** What a job has of a step, and the run that made it. */
export interface Artifact {
  job: string;
  step: string;
  run: string;
}

interface Sent {
  run: PaidRun;
  opened: Opened;
}

/** Which runs the database came to know while they were current (the others were lost from sight), and what it had sent. */
export class Submissions {
  /** The order in which the database did things. */
  #events = 0;
  /** By run: when it became known. */
  readonly #known = new Map<string, number>();
  /** By job and attempt. */
  readonly #opened = new Map<string, Opened>();

  constructor(private readonly counts: CoverageCounts, private readonly now: () => number) {}

  /** To be told the answer of each procedure. */
  observe(procedure: string, request: string, answer: string): void {
    const event = ++this.#events;
    const parsed: unknown = JSON.parse(answer);
    for (const { job_id, attempt, step } of openings.safeParse(parsed).data ?? []) {
      this.#opened.set(`${job_id} ${attempt}`, { event, at: this.now(), step });
      currentProcess().opened.push({ job: job_id, attempt, prompt: step.input.prompt ?? "" });
    }
    if (!TELLING[procedure]?.safeParse(parsed).success) return;
    const { p_provider_job_id: run } = argumentSchema.parse(JSON.parse(request));
    if (!this.#known.has(run)) this.#known.set(run, event);
  }

  /**
   * Each attempt was sent at most once. Within one step another was sent only after the run before it was refused, lost
   * from sight, or had failed: a run that we knew of and that was alive is never paid for twice, and a lost one is given
   * time to report. The steps come in the order of a video's making, each after what the one before it has made.
   */
  check(runs: readonly PaidRun[]): void {
    const jobs = new Map<string, Sent[]>();
    for (const run of runs) jobs.set(run.job, [...(jobs.get(run.job) ?? []), { run, opened: this.#openingOf(run) }]);
    for (const [job, sent] of jobs) {
      sent.sort((a, b) => a.run.attempt - b.run.attempt);
      const attempts = new Map<string, number>();
      for (const { opened: { step } } of sent) attempts.set(step.name, (attempts.get(step.name) ?? 0) + 1);
      for (const [name, count] of attempts) {
        this.counts.add("submissions", `steps with ${count} accepted runs`);
        this.counts.add("steps", name);
      }
      for (const [place, next] of sent.slice(1).entries()) {
        const before = sent[place];
        if (before === undefined) continue;
        if (before.opened.step.name === next.opened.step.name) this.#checkAgain(job, before, next);
        else this.#checkStep(job, sent, before, next);
      }
    }
  }

  /** Checks that what a job has is what runs of its own made, each in the step that it is named after. */
  checkArtifacts(runs: readonly PaidRun[], made: readonly Artifact[]): void {
    const known = new Map(runs.map((run) => [run.id, run]));
    for (const { job, step, run: id } of made) {
      const run = known.get(id);
      if (run?.job !== job) throw new Violation(`${job} has what the run ${id} made, which is of ${run?.job}`);
      const { name } = this.#openingOf(run).step;
      if (name !== step) throw new Violation(`${job} has for ${step} what ${id} made for ${name}`);
    }
  }

  #openingOf({ job, attempt }: PaidRun): Opened {
    const opened = this.#opened.get(`${job} ${attempt}`);
    if (opened === undefined) throw new Violation(`${job} was sent without an attempt`);
    return opened;
  }

  #checkStep(job: string, sent: Sent[], { opened: { step } }: Sent, next: Sent): void {
    const name = next.opened.step.name;
    if (rankOf(name) <= rankOf(step.name)) throw new Violation(`${job} was sent for ${name} after ${step.name}`);
    const done = sent.some(({ run, opened }) =>
      opened.step.name === step.name && run.succeededAt !== null && run.succeededAt <= next.opened.at
    );
    if (!done && !step.optional) throw new Violation(`${job} was sent for ${name} without ${step.name}`);
    this.counts.add("submissions", done ? "for the next step" : "for the next step without the one before");
  }

  #checkAgain(job: string, before: Sent, { run: { attempt }, opened }: Sent): void {
    if (before.run.attempt === attempt) throw new Violation(`Attempt ${attempt} of ${job} was sent twice`);
    // Its opening counts, not its sending: the two may be far apart where a process stalls between them.
    const openedAfter = this.#opened.get(`${job} ${before.run.attempt + 1}`);
    const { run } = before;
    if ((this.#known.get(run.id) ?? Infinity) > opened.event) {
      const pause = (openedAfter ?? opened).at - before.opened.at;
      if (pause < GRACE_MS) {
        throw new Violation(`${job} was sent again ${pause} ms after a run that may live, ${run.id}`);
      }
      this.counts.add("submissions", "again after a lost run");
      return;
    }
    if (run.failedAt === null || run.failedAt > opened.at) {
      throw new Violation(`${job} was sent again, as attempt ${attempt}, while its run ${run.id} was alive`);
    }
    this.counts.add("submissions", "again after a failed run");
  }
}

/** Before the parts of the picture, which have numbers, and after them. */
const EARLIER = ["voiceover", "music", "loudness"];
const LATER = ["join", "trim", "mix", "thumbnail"];

/** The place of a step in the making of a video. */
function rankOf(step: string): number {
  const [, kind, number] = step.match(/^(generate|frame)(?:_(\d+))?$/) ?? [];
  if (kind !== undefined) return 2 * Number(number ?? 0) + (kind === "frame" ? 1 : 0);
  if (EARLIER.includes(step)) return EARLIER.indexOf(step) - EARLIER.length;
  const place = LATER.indexOf(step);
  if (place < 0) throw new Violation(`There is no step ${step}`);
  return 1000 + place;
}
