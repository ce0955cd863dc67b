import type { JsonObject } from "../shared/json.ts";
import type { Timeline } from "../shared/timeline.ts";
import type { Made } from "../studio/studio.ts";
import { mediaOrigin } from "../shared/files.ts";
import { type Ending, type EndState, type RunpodScript, videoEnding } from "./words.ts";

/** `/run` results are kept half an hour. */
const RETENTION_MS = 30 * 60_000;

/** The documented policy of a request that names none. */
const DEFAULT_POLICY = { executionTimeout: 600_000, ttl: 86_400_000 };

/** One attempt to deliver a webhook, and the status of the answer; null where none came. */
export interface WebhookDelivery {
  at: number;
  status: number | null;
}

/** A run: a request that was accepted. */
export interface RunpodRun {
  id: string;
  endpoint: string;
  input: JsonObject;
  policy: { executionTimeout: number; ttl: number };
  webhook: string | null;
  script: RunpodScript;
  state: "IN_QUEUE" | "IN_PROGRESS" | EndState;
  /** Its result was deleted: the status is a 404. */
  gone: boolean;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  /** The fields of the status besides the state. */
  body: JsonObject;
  calls: { status: number; cancel: number; file: number };
  webhooks: WebhookDelivery[];
  /** Null where the sample stands for its video. */
  made: Made | null;
}

/** What a submission asked for. */
export interface RunRequest extends Pick<RunpodRun, "endpoint" | "input" | "webhook" | "script"> {
  policy: Partial<RunpodRun["policy"]>;
}

/** How long a run waits and lasts where its script does not say. */
export interface Pace {
  queueMs: number;
  runMs: number;
}

/** The runs of all endpoints, each at its own pace. */
export class Runs {
  readonly all: RunpodRun[] = [];

  constructor(
    readonly timeline: Timeline,
    readonly pace: Pace,
    readonly origin: () => string,
    readonly ended: (run: RunpodRun) => void,
    /** Begins to make the video of a run; null where the sample stands for it. */
    readonly make: (run: RunpodRun) => Promise<Made | null> | null = () => null,
  ) {}

  find(id: string): RunpodRun | undefined {
    return this.all.find((run) => run.id === id && !run.gone);
  }

  add(request: RunRequest): RunpodRun {
    const now = this.timeline.now();
    const run: RunpodRun = {
      ...request,
      id: `${crypto.randomUUID()}-u1`,
      policy: { ...DEFAULT_POLICY, ...request.policy },
      state: "IN_QUEUE",
      gone: request.script.gone === true,
      createdAt: now,
      startedAt: null,
      endedAt: null,
      body: {},
      calls: { status: 0, cancel: 0, file: 0 },
      webhooks: [],
      made: null,
    };
    this.all.push(run);
    // RunPod deletes even a run that is under way.
    this.timeline.at(now + run.policy.ttl, () => run.gone = true);
    const start = now + (run.script.queueMs ?? this.pace.queueMs);
    if (!run.script.stuck) this.timeline.at(start, (time) => this.#start(run, time));
    return run;
  }

  /** Ends a run now: as its script says, or in another state. */
  end(run: RunpodRun, state?: EndState): void {
    if (run.endedAt !== null) return;
    const now = this.timeline.now();
    const ending = state === undefined ? this.#endingOf(run) : { state, body: {} };
    Object.assign(run, { startedAt: run.startedAt ?? now, endedAt: now, ...ending });
    this.timeline.at(now + RETENTION_MS, () => run.gone = true);
    this.ended(run);
  }

  #endingOf({ id, script }: RunpodRun): Ending {
    const files = `${mediaOrigin(this.origin(), script)}/files/${id}`;
    return (script.ending ?? videoEnding)(files);
  }

  #start(run: RunpodRun, time: number): void {
    if (run.state !== "IN_QUEUE") return;
    Object.assign(run, { state: "IN_PROGRESS", startedAt: time });
    this.timeline.at(time + run.policy.executionTimeout, () => this.end(run, "TIMED_OUT"));
    if (run.script.hang) return;
    const making = this.make(run);
    this.timeline.at(time + (run.script.runMs ?? this.pace.runMs), async () => {
      if (making !== null) run.made = await making;
      this.end(run);
    });
  }
}

/** The body of a status and of a webhook. */
export function statusBody(run: RunpodRun): JsonObject {
  const running = run.state === "IN_PROGRESS";
  return {
    id: run.id,
    status: running && run.script.unknownState ? "WARMING_UP" : run.state,
    ...(run.startedAt === null ? {} : { delayTime: run.startedAt - run.createdAt, workerId: "simulated-worker" }),
    ...(run.startedAt === null || run.endedAt === null ? {} : { executionTime: run.endedAt - run.startedAt }),
    ...(running && run.script.progress ? { output: { message: "Sampling", percent: 45 } } : {}),
    ...run.body,
  };
}
