import { z } from "zod";
import { gatewayFailure, json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import type { Timeline } from "../shared/timeline.ts";
import { serveOutput } from "../shared/files.ts";
import { parseJson } from "../shared/json.ts";
import { PromptScripts } from "../shared/prompt-words.ts";
import { failureOfCall } from "../shared/script.ts";
import { answerSubmission } from "../shared/submission.ts";
import type { RateLimits } from "./rate-limits.ts";
import { madeBytes } from "../studio/studio.ts";
import { type RunpodRun, type Runs, statusBody } from "./runs.ts";
import { RUNPOD_VOCABULARY } from "./words.ts";

const requestSchema = z.object({
  input: z.record(z.string(), z.json()),
  webhook: z.url().optional(),
  // The documented bounds, in milliseconds.
  policy: z.object({
    executionTimeout: z.number().min(5000).max(604_800_000).optional(),
    ttl: z.number().min(10_000).max(604_800_000).optional(),
  }).default({}),
});

/** RunPod's API without a server: each answer shows the runs as they are now. */
export class RunpodRoutes {
  /** How many submissions arrived, accepted or not. */
  submissions = 0;
  readonly #scripts = new PromptScripts(RUNPOD_VOCABULARY);

  constructor(
    private readonly key: string,
    private readonly timeline: Timeline,
    private readonly runs: Runs,
    private readonly limits: RateLimits,
  ) {}

  async answer(request: SimulatedRequest): Promise<SimulatedResponse | "drop"> {
    this.timeline.advance();
    const [, area = "", first = "", verb = "", id = ""] = request.path.split("/");
    if (area === "files") return this.#file(request, first, verb);
    const isRun = `${request.method} ${area} ${verb}` === "POST v2 run";
    if (isRun) this.submissions++;
    if (request.headers.get("authorization") !== `Bearer ${this.key}`) return json(401, { error: "Unauthorized" });
    if (!this.limits.take(first, verb)) return json(429, { error: "Too many requests" });
    return isRun ? await this.#submit(request, first) : this.#statusOrCancel(request, verb, id);
  }

  #submit(request: SimulatedRequest, endpoint: string): Promise<SimulatedResponse | "drop"> {
    const parsed = requestSchema.safeParse(parseJson(request.body)).data;
    if (parsed === undefined) return Promise.resolve(json(400, { error: "input is required and must be an object" }));
    const { input, webhook = null, policy } = parsed;
    const prompt = String(input.positive_prompt ?? input.prompt ?? "");
    const script = this.#scripts.take(prompt) ?? {};
    return answerSubmission(script, this.timeline, {
      refuse: (code) => code > 500 ? gatewayFailure(code) : json(code, { error: `Simulated ${code}` }),
      accept: () => {
        const accepted = this.runs.add({
          endpoint,
          input,
          webhook,
          script,
          policy: Object.fromEntries(Object.entries(policy).filter(([, milliseconds]) => milliseconds !== undefined)),
        });
        return json(200, { id: accepted.id, status: "IN_QUEUE" });
      },
    });
  }

  #statusOrCancel(request: SimulatedRequest, verb: string, id: string): SimulatedResponse {
    const found = this.runs.all.find((run) => run.id === id);
    const action = `${request.method} ${verb}`;
    if (action !== "GET status" && action !== "POST cancel") return json(404, { message: "Not Found" });
    // Also the cancellation of a deleted run counts: the caller did what it could.
    if (found && action === "POST cancel") found.calls.cancel++;
    if (found === undefined || found.gone) return json(404, { error: "job not found" });
    if (action === "POST cancel") return this.#cancel(found);
    const fault = failureOfCall(found.script.statusFault, ++found.calls.status);
    return fault === undefined ? json(200, statusBody(found)) : gatewayFailure(fault);
  }

  #cancel(found: RunpodRun): SimulatedResponse {
    if (!found.script.cancelIgnored) this.runs.end(found, "CANCELLED");
    return json(200, { id: found.id, status: found.state });
  }

  #file(request: SimulatedRequest, id: string, name: string): SimulatedResponse {
    const found = this.runs.all.find((one) => one.id === id);
    if (found) found.calls.file++;
    return serveOutput(request, name, found?.script, madeBytes(found?.made, name));
  }
}
