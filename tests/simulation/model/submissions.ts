import { z } from "zod";
import type { CoverageCounts } from "../runtime/coverage-counts.ts";
import { currentProcess } from "../runtime/process.ts";
import { Violation } from "../runtime/violation.ts";

/** A run that a provider accepted: its job and attempt, and when it succeeded or failed. */
export interface PaidRun {
  provider: "fal" | "rendi" | "runpod" | "veo";
  /** The provider's id of the run. */
  id: string;
  job: string;
  attempt: number;
  succeededAt: number | null;
  failedAt: number | null;
}

const argumentSchema = z.object({ p_provider_job_id: z.string() });
const thumbnailSchema = z.object({ p_job_id: z.string() });

/** The procedures that record a run as the current one of its job, and the answer that says that they did. */
const RECORDING: Readonly<Record<string, z.ZodType>> = {
  record_thumbnail_run: z.literal(true),
  record_submission: z.object({ applied: z.literal(true) }),
  wake_job: z.object({ outcome: z.enum(["woken", "thumbnail"]) }),
  adopt_run: z.object({ leased_job: z.object({}) }),
};

/** A leased job whose next action is a submission. */
const opening = z.object({
  action: z.literal("submit"),
  job_id: z.string(),
  attempt: z.number(),
  step: z.object({ name: z.string(), optional: z.boolean(), input: z.object({ prompt: z.string().optional() }) }),
});
const openings = z.union([
  opening.transform((leased) => [leased]),
  z.object({ leased_job: opening }).transform(({ leased_job }) => [leased_job]),
  z.object({ leased_thumbnail: opening }).transform(({ leased_thumbnail }) => [leased_thumbnail]),
  z.array(z.unknown()).transform((list) => list.flatMap((leased) => opening.safeParse(leased).data ?? [])),
]);

/**
 * After a lost answer the run has this time to report itself; only then may another run be paid for (see `app_settings`).
 * 100 ms less, because each reading of the database's clock moves it.
 */
const GRACE_MS = 120_000 - 100;

interface Opened {
  event: number;
  at: number;
  step: { name: string; optional: boolean };
}

/** The result of a step that a job keeps, and the run that made it. */
export interface Artifact {
  job: string;
  step: string;
  run: string;
}

interface Sent {
  run: PaidRun;
  opened: Opened;
}

/** The attempts that the database opened, and the runs that it recorded while they were current. All other runs were lost. */
export class Submissions {
  /** The jobs whose thumbnail was given up. */
  readonly thumbnailsGivenUp = new Set<string>();
  /** Counts the procedures, to tell which came first. */
  #events = 0;
  /** The event that recorded the run, by run. */
  readonly #known = new Map<string, number>();
  /** By job and attempt: `${job} ${attempt}`. */
  readonly #opened = new Map<string, Opened>();

  constructor(private readonly counts: CoverageCounts, private readonly now: () => number) {}

  /** The caller reports the answer of each procedure. */
  observe(procedure: string, request: string, answer: string): void {
    const event = ++this.#events;
    const parsed: unknown = JSON.parse(answer);
    for (const { job_id, attempt, step } of openings.safeParse(parsed).data ?? []) {
      this.#opened.set(`${job_id} ${attempt}`, { event, at: this.now(), step });
      currentProcess().opened.push({ job: job_id, attempt, prompt: step.input.prompt ?? "" });
    }
    if (procedure === "give_up_thumbnail") {
      this.thumbnailsGivenUp.add(thumbnailSchema.parse(JSON.parse(request)).p_job_id);
    }
    if (!RECORDING[procedure]?.safeParse(parsed).success) return;
    const { p_provider_job_id: run } = argumentSchema.parse(JSON.parse(request));
    if (!this.#known.has(run)) this.#known.set(run, event);
  }

  /**
   * Checks that each attempt was sent at most once. Within a step, another attempt was sent only after the run before it
   * was refused, was lost, or had failed: the database never pays for a second run while it knows that the first is alive,
   * and a lost run gets time to report. The steps come in their order, each after the result of the step before it.
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

  /** Checks that each result of a job was made by a run of that job, in the step of that name. */
  checkArtifacts(runs: readonly PaidRun[], made: readonly Artifact[]): void {
    const known = new Map(runs.map((run) => [run.id, run]));
    for (const { job, step, run: id } of made) {
      const run = known.get(id);
      if (run?.job !== job) throw new Violation(`${job} has the result of the run ${id}, which belongs to ${run?.job}`);
      const { name } = this.#openingOf(run).step;
      if (name !== step) throw new Violation(`${job} has for ${step} the result that ${id} made for ${name}`);
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
    // The time when the attempt was opened counts. It may be sent much later if its process stalls.
    const openedAfter = this.#opened.get(`${job} ${before.run.attempt + 1}`);
    const { run } = before;
    if ((this.#known.get(run.id) ?? Infinity) > opened.event) {
      const pause = (openedAfter ?? opened).at - before.opened.at;
      if (pause < GRACE_MS) {
        throw new Violation(`${job} was sent again ${pause} ms after the run ${run.id}, which may still be alive`);
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

/** The steps before and after the numbered parts of the video. */
const EARLIER = ["voiceover", "music", "loudness"];
const LATER = ["join", "trim", "mix", "subtitles", "thumbnail"];

/** The place of a step in the pipeline. */
function rankOf(step: string): number {
  const [, kind, number] = step.match(/^(generate|frame)(?:_(\d+))?$/) ?? [];
  if (kind !== undefined) return 2 * Number(number ?? 0) + (kind === "frame" ? 1 : 0);
  if (EARLIER.includes(step)) return EARLIER.indexOf(step) - EARLIER.length;
  const place = LATER.indexOf(step);
  if (place < 0) throw new Violation(`There is no step ${step}`);
  return 1000 + place;
}
