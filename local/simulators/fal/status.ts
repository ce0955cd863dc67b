import { setTimeout as delay } from "node:timers/promises";
import { json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import { type JsonObject, pythonJson } from "../shared/json.ts";
import { failureOfCall } from "../shared/script.ts";
import type { Run } from "./run-queue.ts";
import type { Simulation } from "./simulation.ts";

/** While a run waits, its position falls through this many steps, even when no other run is ahead. */
const QUEUE_STEPS = 3;
const STREAM_INTERVAL_MS = 100;
/** The client stops after 15 s of silence. */
const STREAM_KEEP_ALIVE_MS = 8000;

/** Answers `GET …/requests/{id}/status`. */
export function status(simulation: Simulation, request: SimulatedRequest, run: Run): SimulatedResponse {
  run.calls.status++;
  const failure = failureOfCall(run.script.statusFault, run.calls.status);
  if (failure !== undefined) {
    return json(failure, { detail: `Simulated ${failure}` }, { "x-fal-request-id": run.id });
  }
  const code = run.state === "COMPLETED" ? 200 : 202;
  return json(code, statusBody(simulation, run, wantsLogs(request)), { "x-fal-request-id": run.id });
}

/** Answers `GET …/requests/{id}/status/stream`: the status as server-sent events until the run has ended. */
export function statusStream(simulation: Simulation, request: SimulatedRequest, run: Run): SimulatedResponse {
  run.calls.status++;
  return {
    status: 200,
    headers: { "content-type": "text/event-stream", "cache-control": "no-cache", "x-fal-request-id": run.id },
    body: events(simulation, run, wantsLogs(request), request.closed),
  };
}

/** The body of a status, also that of a submit. */
export function statusBody(simulation: Simulation, run: Run, withLogs: boolean): JsonObject {
  const { queue, timeline, url } = simulation;
  const base = `${url}/${run.app}/requests/${run.id}`;
  const seconds = run.startedAt === null || run.completedAt === null ? null : run.completedAt - run.startedAt;
  return {
    status: run.state,
    request_id: run.id,
    response_url: base,
    status_url: `${base}/status`,
    cancel_url: `${base}/cancel`,
    ...(run.state === "IN_QUEUE" ? { queue_position: queuePosition(run, queue.ahead(run), timeline.now()) } : {}),
    logs: withLogs ? logsOf(run) : null,
    metrics: run.state === "COMPLETED" ? { inference_time: seconds === null ? null : seconds / 1000 } : {},
    ...(run.answer?.error === undefined ? {} : { error: run.answer.error }),
    ...(run.answer?.errorType === undefined ? {} : { error_type: run.answer.errorType }),
  };
}

async function* events(
  simulation: Simulation,
  run: Run,
  withLogs: boolean,
  closed: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let last = "";
  let lastAt = 0;
  while (!closed.aborted) {
    simulation.timeline.advance();
    const text = pythonJson(statusBody(simulation, run, withLogs));
    if (text !== last || performance.now() - lastAt >= STREAM_KEEP_ALIVE_MS) {
      yield new TextEncoder().encode(`data: ${text}\n\n`);
      last = text;
      lastAt = performance.now();
    }
    if (run.state === "COMPLETED") return;
    await delay(STREAM_INTERVAL_MS, undefined, { signal: closed }).catch(() => {});
  }
}

function queuePosition(run: Run, ahead: number, now: number): number {
  if (run.script.positionRises) return run.calls.status;
  const wait = Math.max(run.readyAt - run.createdAt, 1);
  return Math.max(ahead, Math.ceil(QUEUE_STEPS * (run.readyAt - now) / wait) - 1, 0);
}

function logsOf(run: Run): JsonObject[] {
  if (run.startedAt === null) return [];
  const line = (message: string, at: number): JsonObject => (
    { message, timestamp: new Date(at).toISOString(), level: "INFO", source: "USER" }
  );
  const started = line("The run has started", run.startedAt);
  return run.completedAt === null ? [started] : [started, line("The run is over", run.completedAt)];
}

function wantsLogs(request: SimulatedRequest): boolean {
  return ["1", "true"].includes(request.query.get("logs") ?? "");
}
