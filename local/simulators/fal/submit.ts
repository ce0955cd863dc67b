import { appOf, KNOWN_APPS } from "./endpoints.ts";
import { gatewayFailure, json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import { isJsonObject, parseJson } from "../shared/json.ts";
import { answerSubmission } from "../shared/submission.ts";
import { errorAnswer } from "./outcomes.ts";
import type { Run } from "./run-queue.ts";
import type { Settings } from "./script.ts";
import type { Simulation } from "./simulation.ts";
import { statusBody } from "./status.ts";

/** fal refuses a start deadline of this many seconds or less. */
const SHORTEST_START_TIMEOUT_SECONDS = 0.1;

/** Answers `POST /{endpoint id}`: queues a run, or fails as the script says. */
export function submit(
  simulation: Simulation,
  request: SimulatedRequest,
): SimulatedResponse | Promise<SimulatedResponse | "drop"> {
  const { settings, scripts, timeline } = simulation;
  const endpoint = request.path.slice(1);
  if (settings.locked) return lockedAccount();
  if (!isKnownApp(endpoint, settings)) {
    return json(404, { detail: `Application "${appOf(endpoint)}" not found` });
  }
  const input = parseJson(request.body);
  if (!isJsonObject(input)) return json(400, { detail: "The body is not a JSON object", error_type: "bad_request" });
  const script = scripts.take(endpoint, input);
  const fault = script.submit ?? settings.submit ?? undefined;
  if (fault === "locked") return lockedAccount();
  return answerSubmission({ ...script, submit: fault }, timeline, {
    refuse,
    accept: () => accept(simulation, request, { endpoint, input, script }),
  });
}

/** Queues the run and answers with its status, or refuses what its headers and query ask for. */
async function accept(
  simulation: Simulation,
  request: SimulatedRequest,
  submission: Pick<Run, "endpoint" | "input" | "script">,
): Promise<SimulatedResponse> {
  const { queue, timeline } = simulation;
  const timeout = request.headers.get("x-fal-request-start-timeout") ?? request.headers.get("x-fal-request-timeout");
  if (timeout !== null && !(Number(timeout) > SHORTEST_START_TIMEOUT_SECONDS)) {
    const answer = errorAnswer("bad_request");
    return json(answer.status, answer.body, answer.headers);
  }
  const longest = request.query.get("fal_max_queue_length");
  if (longest !== null && queue.waitingOn(submission.endpoint) > Number(longest)) return refuse(429);
  const now = timeline.now();
  const run = newRun(simulation, request, {
    ...submission,
    startBy: timeout === null ? null : now + Number(timeout) * 1000,
  });
  queue.add(run);
  const accepted = { ...statusBody(simulation, run, false), gateway_request_id: run.gatewayId };
  if (run.script.webhook?.beforeAnswer) {
    queue.end(run, run.script.outcome ?? "ok", now);
    await simulation.webhooks.send(run);
  }
  return json(200, accepted, { "x-fal-request-id": run.id });
}

function newRun(
  { settings, timeline }: Simulation,
  { headers, query }: SimulatedRequest,
  submission: Pick<Run, "endpoint" | "input" | "script" | "startBy">,
): Run {
  const now = timeline.now();
  const id = crypto.randomUUID();
  return {
    ...submission,
    id,
    gatewayId: id,
    app: appOf(submission.endpoint),
    headers: headersOfInterest(headers),
    webhookUrl: query.get("fal_webhook"),
    state: "IN_QUEUE",
    cancelled: false,
    createdAt: now,
    readyAt: now + (submission.script.queueMs ?? settings.queueMs),
    startedAt: null,
    completedAt: null,
    runnerLost: false,
    outcome: null,
    resultStatus: null,
    billableUnits: 0,
    calls: { status: 0, result: 0, cancel: 0, file: 0 },
    webhooks: [],
    lowPriority: headers.get("x-fal-queue-priority") === "low",
    answer: null,
    making: null,
    output: null,
  };
}

/** The answer to a wrong or missing key. */
export function unauthorized(hasKey: boolean, app: string): SimulatedResponse {
  const detail = hasKey ? "Invalid key credentials" : `Cannot access application "${app}". Authentication is required`;
  return json(401, { detail });
}

function lockedAccount(): SimulatedResponse {
  return json(403, { detail: "User is locked. Reason: Exhausted balance. Top up at fal.ai/dashboard/billing." });
}

function refuse(code: number): SimulatedResponse {
  if (code === 401) return unauthorized(true, "");
  if (code === 429) return json(429, { detail: "Too many requests are waiting" }, { "retry-after": "5" });
  return code === 500 ? json(500, { detail: "Internal Server Error" }) : gatewayFailure(code);
}

function isKnownApp(endpoint: string, settings: Settings): boolean {
  const app = appOf(endpoint);
  return settings.anyModel || KNOWN_APPS.has(app) || settings.endpoints.some((known) => appOf(known) === app);
}

/** The key is left out: it may be a real one that was set by mistake. */
function headersOfInterest(headers: Headers): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => /^x-(app-)?fal-|^user-agent$|^content-type$|^x-fal$/.test(name)),
  );
}
