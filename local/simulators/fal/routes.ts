import { gatewayFailure, json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import { fileNotFound } from "../shared/files.ts";
import { adminRoute } from "./admin.ts";
import { serveRunFile } from "./files.ts";
import { requestRoute } from "./request-routes.ts";
import type { Simulation } from "./simulation.ts";
import { submit, unauthorized } from "./submit.ts";
import type { FalSimulator } from "./types.ts";

/** Answers a request to the simulator: an admin route, the JWKS, a file, or a call of the queue. */
export async function route(
  simulator: FalSimulator,
  simulation: Simulation,
  request: SimulatedRequest,
): Promise<SimulatedResponse | "drop"> {
  const { settings, timeline, queue } = simulation;
  timeline.advance();
  if (request.path.startsWith("/_simulator/")) return await adminRoute(simulator, request);
  if (request.path === "/.well-known/jwks.json") {
    simulation.jwksFetches++;
    return settings.jwksDown ? gatewayFailure(503) : json(200, simulation.keys.jwks());
  }
  const file = request.path.match(/^\/files\/([^/]+)\/([^/]+)$/);
  if (file !== null) {
    const [, id = "", name = ""] = file;
    const run = queue.find(id);
    if (run === undefined && id !== "sample") return fileNotFound();
    return serveRunFile(request, name, run, settings, timeline.now());
  }
  return await queueRoute(simulation, request);
}

async function queueRoute(simulation: Simulation, request: SimulatedRequest): Promise<SimulatedResponse | "drop"> {
  const { settings, timeline } = simulation;
  const aboutRun = request.path.match(/^\/(.+)\/requests\/(.+)$/);
  if (aboutRun === null && request.method === "POST") simulation.submissions++;
  await timeline.wait(settings.latencyMs);
  if (settings.outage !== 0) return gatewayFailure(settings.outage);
  const authorization = request.headers.get("authorization");
  if (settings.revoked || authorization !== `Key ${simulation.key}`) {
    return unauthorized(authorization !== null, aboutRun?.[1] ?? request.path.slice(1));
  }
  if (aboutRun !== null) return requestRoute(simulation, request, aboutRun[1] ?? "", aboutRun[2] ?? "");
  return request.method === "POST" ? await submit(simulation, request) : json(405, { detail: "Method Not Allowed" });
}
