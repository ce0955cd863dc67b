import { appOf, KNOWN_APPS } from "./endpoints.ts";
import { type Call, gatewayFailure, json, type Reply } from "../shared/http.ts";
import { isJsonObject, type JsonObject } from "../shared/json.ts";
import { errorAnswer } from "./outcomes.ts";
import type { Run } from "./run-queue.ts";
import type { Settings, SubmitFault } from "./script.ts";
import type { Simulation } from "./simulation.ts";
import { statusBody } from "./status.ts";

/** fal refuses a start deadline of this many seconds or less. */
const SHORTEST_START_TIMEOUT_SECONDS = 0.1;

/** Answers `POST /{endpoint id}`: queues a run, or fails as the script says. */
export async function submit(simulation: Simulation, call: Call): Promise<Reply | "drop"> {
  const { settings, queue, scripts, timeline } = simulation;
  const endpoint = call.path.slice(1);
  if (settings.locked) return submitFailure("locked");
  if (!isKnownApp(endpoint, settings)) {
    return json(404, { detail: `Application "${appOf(endpoint)}" not found` });
  }
  const input = parseInput(call.body);
  if (input === undefined) return json(400, { detail: "The body is not a JSON object", error_type: "bad_request" });

  const script = scripts.take(endpoint, input);
  const fault = script.submit ?? settings.submit ?? undefined;
  if (fault === "drop_before") return "drop";
  if (fault !== undefined && fault !== "drop_after" && fault !== "bad_json") return submitFailure(fault);

  const timeout = call.headers.get("x-fal-request-start-timeout") ?? call.headers.get("x-fal-request-timeout");
  if (timeout !== null && !(Number(timeout) > SHORTEST_START_TIMEOUT_SECONDS)) {
    const answer = errorAnswer("bad_request");
    return json(answer.status, answer.body, answer.headers);
  }
  const longest = call.query.get("fal_max_queue_length");
  if (longest !== null && queue.waitingOn(endpoint) > Number(longest)) return submitFailure("429");

  const now = timeline.now();
  const id = crypto.randomUUID();
  const run: Run = {
    id,
    gatewayId: id,
    endpoint,
    app: appOf(endpoint),
    input,
    headers: headersOfInterest(call.headers),
    webhookUrl: call.query.get("fal_webhook"),
    script,
    state: "IN_QUEUE",
    cancelled: false,
    createdAt: now,
    readyAt: now + (script.queueMs ?? settings.queueMs),
    startBy: timeout === null ? null : now + Number(timeout) * 1000,
    startedAt: null,
    completedAt: null,
    runnerLost: false,
    outcome: null,
    resultStatus: null,
    billableUnits: 0,
    calls: { status: 0, result: 0, cancel: 0, file: 0 },
    webhooks: [],
    lowPriority: call.headers.get("x-fal-queue-priority") === "low",
    answer: null,
  };
  queue.add(run);
  const accepted = { ...statusBody(simulation, run, false), gateway_request_id: run.gatewayId };
  if (script.webhook?.beforeAnswer) {
    queue.end(run, script.outcome ?? "ok", now);
    await simulation.webhooks.send(run);
  }
  await timeline.wait(script.answerAfterMs ?? 0);
  if (fault === "drop_after") return "drop";
  const headers = { "x-fal-request-id": run.id };
  if (fault !== "bad_json") return json(200, accepted, headers);
  return {
    status: 200,
    headers: { "content-type": "application/json", ...headers },
    body: '{"status": "IN_QUEUE", "request_',
  };
}

/** What a key that is not good gets. */
export function unauthorized(hasKey: boolean, app: string): Reply {
  const detail = hasKey ? "Invalid key credentials" : `Cannot access application "${app}". Authentication is required`;
  return json(401, { detail });
}

function submitFailure(fault: Exclude<SubmitFault, "drop_before" | "drop_after" | "bad_json">): Reply {
  switch (fault) {
    case "401":
      return unauthorized(true, "");
    case "locked":
      return json(403, { detail: "User is locked. Reason: Exhausted balance. Top up at fal.ai/dashboard/billing." });
    case "429":
      return json(429, { detail: "Too many requests are waiting" }, { "retry-after": "5" });
    case "500":
      return json(500, { detail: "Internal Server Error" });
    default:
      return gatewayFailure(Number(fault));
  }
}

function isKnownApp(endpoint: string, settings: Settings): boolean {
  const app = appOf(endpoint);
  return settings.anyModel || KNOWN_APPS.has(app) || settings.endpoints.some((known) => appOf(known) === app);
}

function parseInput(body: string): JsonObject | undefined {
  try {
    const input: unknown = JSON.parse(body);
    return isJsonObject(input) ? input : undefined;
  } catch {
    return undefined;
  }
}

/** Never the key: it may be a real one that was set by mistake. */
function headersOfInterest(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => /^x-(app-)?fal-|^user-agent$|^content-type$|^x-fal$/.test(name)),
  );
}
