import { isBilledByCompute } from "./answers.ts";
import { type Call, json, type Reply } from "../shared/http.ts";
import type { Run } from "./run-queue.ts";
import type { Simulation } from "./simulation.ts";
import { status, statusStream } from "./status.ts";

const STORE_NOTHING_RETENTION_MS = 60 * 60_000;

/** Answers the calls about one request, in the app-only form or under the full endpoint id. */
export function requestRoute(simulation: Simulation, call: Call, endpoint: string, rest: string): Reply {
  const [id = "", ...tail] = rest.split("/");
  const run = simulation.queue.find(id);
  if (run === undefined || (endpoint !== run.app && endpoint !== run.endpoint)) return notFound();
  switch (`${call.method} ${tail.join("/")}`) {
    case "GET status":
      return status(simulation, call, run);
    case "GET status/stream":
      return statusStream(simulation, call, run);
    case "GET ":
    case "GET response":
      return result(simulation, run);
    case "PUT cancel":
      return cancel(simulation, run);
    default:
      return json(405, { detail: "Method Not Allowed" });
  }
}

function result(simulation: Simulation, run: Run): Reply {
  run.calls.result++;
  const headers = { "x-fal-request-id": run.id };
  const fault = run.script.resultFault;
  if (fault !== undefined && run.calls.result <= fault.times) {
    return json(fault.code, { detail: `Simulated ${fault.code}` }, headers);
  }
  if (run.answer === null || run.completedAt === null) {
    return json(400, { detail: "Request is still in progress" }, headers);
  }
  const retention = run.headers["x-fal-store-io"] === "0"
    ? STORE_NOTHING_RETENTION_MS
    : simulation.settings.resultRetentionMs;
  if (run.outcome === "expired" || simulation.timeline.now() > run.completedAt + retention) return notFound();
  const { status: code, body } = run.answer;
  // Failures of the server are never billed and name no units; a refused input names 0.
  const units = code >= 500 || isBilledByCompute(run) ? {} : { "x-fal-billable-units": String(run.billableUnits) };
  return json(code, body, { ...headers, ...units, ...run.answer.headers });
}

function cancel(simulation: Simulation, run: Run): Reply {
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

function notFound(): Reply {
  return json(404, { status: "NOT_FOUND" });
}
