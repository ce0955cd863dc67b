import type { ModelAnswer } from "./outcomes.ts";
import type { Making } from "./making.ts";
import type { Outcome, Settings } from "./script.ts";
import type { Timeline } from "../shared/timeline.ts";
import type { SubmittedRequest } from "./types.ts";

/** A request with what only the simulator knows of it. */
export interface Run extends SubmittedRequest {
  lowPriority: boolean;
  answer: ModelAnswer | null;
  /** The making of its output, from its first start; null where samples stand for it. */
  making: Promise<Making | null> | null;
  /** What was made. */
  output: Making | null;
}

/** What else happens when a run changes. */
export interface RunHooks {
  /** The result of a run that ends so; null if it never ends. */
  answerOf(run: Run, outcome: Outcome): ModelAnswer | null;
  started(run: Run, time: number): void;
  ended(run: Run, time: number): void;
  /** Begins to make the output of a run; null where a sample stands for it. */
  make?(run: Run): Promise<Making | null> | null;
}

/** The queue: IN_QUEUE → IN_PROGRESS → COMPLETED, so many at once, first come first served, low priority last. */
export class RunQueue {
  readonly runs: Run[] = [];
  readonly #byId = new Map<string, Run>();
  readonly #waiting: Run[] = [];
  readonly #running = new Set<Run>();

  constructor(readonly timeline: Timeline, readonly settings: () => Settings, readonly hooks: RunHooks) {}

  find(id: string): Run | undefined {
    return this.#byId.get(id);
  }

  /** How many wait before this one. */
  ahead(run: Run): number {
    return Math.max(this.#waiting.indexOf(run), 0);
  }

  /** How many wait on an endpoint. */
  waitingOn(endpoint: string): number {
    return this.#waiting.filter((run) => run.endpoint === endpoint).length;
  }

  add(run: Run): void {
    this.runs.push(run);
    this.#byId.set(run.id, run);
    if (run.startBy !== null) {
      this.timeline.at(run.startBy, (time) => {
        if (run.state === "IN_QUEUE") this.end(run, "user_timeout", time);
      });
    }
    this.#wait(run);
  }

  /** Starts what may start. */
  startWaiting(time: number): void {
    for (let index = 0; index < this.#waiting.length && this.#running.size < this.settings().concurrency;) {
      const run = this.#waiting[index];
      if (run === undefined || run.script.stuck || run.readyAt > time) index++;
      else this.#start(run, time);
    }
  }

  /** Ends a run. An outcome that never ends leaves it as it is. */
  end(run: Run, outcome: Outcome, time: number): void {
    const answer = this.hooks.answerOf(run, outcome);
    if (answer === null || run.state === "COMPLETED") return;
    this.#leave(run);
    const resultStatus = outcome === "expired" ? 404 : answer.status;
    Object.assign(run, { state: "COMPLETED", completedAt: time, outcome, answer, resultStatus });
    this.hooks.ended(run, time);
    this.startWaiting(time);
  }

  clear(): void {
    for (const list of [this.runs, this.#waiting]) list.length = 0;
    this.#byId.clear();
    this.#running.clear();
  }

  #wait(run: Run): void {
    const place = run.lowPriority ? -1 : this.#waiting.findIndex((other) => other.lowPriority);
    this.#waiting.splice(place < 0 ? this.#waiting.length : place, 0, run);
    this.timeline.at(run.readyAt, (time) => this.startWaiting(time));
  }

  #start(run: Run, time: number): void {
    this.#leave(run);
    this.#running.add(run);
    Object.assign(run, { state: "IN_PROGRESS", startedAt: time });
    const { gatewayId } = run;
    const runMs = run.script.runMs ?? this.settings().runMs;
    const losesRunner = run.script.runnerLost === true && !run.runnerLost;
    run.making ??= this.hooks.make?.(run) ?? null;
    const goesOn = () => run.state === "IN_PROGRESS" && run.gatewayId === gatewayId;
    this.timeline.at(time + (losesRunner ? runMs / 2 : runMs), async (later) => {
      if (!goesOn()) return;
      if (losesRunner) return this.#loseRunner(run, later);
      if (run.making === null) return this.end(run, run.script.outcome ?? "ok", later);
      // The output is not made in no time, whatever the clock says.
      run.output = await run.making;
      if (goesOn()) this.end(run, run.script.outcome ?? "ok", this.timeline.now());
    });
    this.hooks.started(run, time);
  }

  #loseRunner(run: Run, time: number): void {
    this.#leave(run);
    Object.assign(run, {
      state: "IN_QUEUE",
      startedAt: null,
      runnerLost: true,
      gatewayId: crypto.randomUUID(),
      readyAt: time + (run.script.queueMs ?? this.settings().queueMs),
    });
    if (run.startBy !== null && run.startBy <= time) this.end(run, "user_timeout", time);
    else this.#wait(run);
    this.startWaiting(time);
  }

  #leave(run: Run): void {
    this.#running.delete(run);
    const index = this.#waiting.indexOf(run);
    if (index >= 0) this.#waiting.splice(index, 1);
  }
}
