import { isBilledByCompute } from "./answers.ts";
import { json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import { failureOfCall } from "../shared/script.ts";
import type { Run } from "./run-queue.ts";
import type { Simulation } from "./simulation.ts";
import { status, statusStream } from "./status.ts";

const STORE_NOTHING_RETENTION_MS = 60 * 60_000;

/** Answers the calls about one run, addressed by its app alone or by its full endpoint id. */
export function requestRoute(
  simulation: Simulation,
  request: SimulatedRequest,
  endpoint: string,
  rest: string,
): SimulatedResponse {
  const [id = "", ...tail] = rest.split("/");
  const run = simulation.queue.find(id);
  if (run === undefined || (endpoint !== run.app && endpoint !== run.endpoint)) return notFound();
  switch (`${request.method} ${tail.join("/")}`) {
    case "GET status":
      return status(simulation, request, run);
    case "GET status/stream":
      return statusStream(simulation, request, run);
    case "GET ":
    case "GET response":
      return result(simulation, run);
    case "PUT cancel":
      return cancel(simulation, run);
    default:
      return json(405, { detail: "Method Not Allowed" });
  }
}

function result(simulation: Simulation, run: Run): SimulatedResponse {
  run.calls.result++;
  const headers = { "x-fal-request-id": run.id };
  const failure = failureOfCall(run.script.resultFault, run.calls.result);
  if (failure !== undefined) return json(failure, { detail: `Simulated ${failure}` }, headers);
  if (run.answer === null || run.completedAt === null) {
    return json(400, { detail: "Request is still in progress" }, headers);
  }
  const retention = run.headers["x-fal-store-io"] === "0"
    ? STORE_NOTHING_RETENTION_MS
    : simulation.settings.resultRetentionMs;
  if (run.outcome === "expired" || simulation.timeline.now() > run.completedAt + retention) return notFound();
  const { status: code, body } = run.answer;
  // A failure of the server is not billed and has no units; a refused input has 0.
  const units = code >= 500 || isBilledByCompute(run) ? {} : { "x-fal-billable-units": String(run.billableUnits) };
  return json(code, body, { ...headers, ...units, ...run.answer.headers });
}

function cancel(simulation: Simulation, run: Run): SimulatedResponse {
  run.calls.cancel++;
  const headers = { "x-fal-request-id": run.id };
  if (run.state === "COMPLETED") return json(400, { status: "ALREADY_COMPLETED" }, headers);
  const wasQueued = run.state === "IN_QUEUE";
  if (wasQueued || run.script.cancel !== "ignored") {
    run.cancelled = true;
    simulation.queue.end(run, "client_cancelled", simulation.timeline.now());
  }
  return wasQueued && run.script.cancelAnswer === 200
    ? json(200, { status: "OK" }, headers)
    : json(202, { status: "CANCELLATION_REQUESTED" }, headers);
}

function notFound(): SimulatedResponse {
  return json(404, { status: "NOT_FOUND" });
}
