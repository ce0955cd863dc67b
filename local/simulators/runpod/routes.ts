import { z } from "zod";
import { type Call, gatewayFailure, json, type Reply } from "../shared/http.ts";
import type { Timeline } from "../shared/timeline.ts";
import { statusFaultIn, type SubmitFault, submitFaultIn, submitWith } from "../shared/faults.ts";
import { serveSample } from "../shared/media.ts";
import { Takes, wordsIn } from "../shared/words.ts";
import type { RateLimits } from "./rate-limits.ts";
import { type RunpodRun, type Runs, statusBody } from "./runs.ts";

const requestSchema = z.object({
  input: z.record(z.string(), z.json()),
  webhook: z.url().optional(),
  // The documented bounds, in milliseconds.
  policy: z.object({
    executionTimeout: z.number().min(5000).max(604_800_000).optional(),
    ttl: z.number().min(10_000).max(604_800_000).optional(),
  }).default({}),
});

/** RunPod's API without its server: each call is answered by what the runs are now. */
export class RunpodRoutes {
  /** How many submissions arrived, whatever was answered. */
  submissions = 0;
  /** A fault of every submission from now on. */
  everySubmission: SubmitFault | undefined;
  readonly #takes = new Takes();

  constructor(
    private readonly key: string,
    private readonly timeline: Timeline,
    private readonly runs: Runs,
    private readonly limits: RateLimits,
  ) {}

  async answer(call: Call): Promise<Reply | "drop"> {
    this.timeline.advance();
    const [, area = "", first = "", verb = "", id = ""] = call.path.split("/");
    if (area === "files") return this.#file(call, first, verb);
    const isRun = `${call.method} ${area} ${verb}` === "POST v2 run";
    if (isRun) this.submissions++;
    if (call.headers.get("authorization") !== `Bearer ${this.key}`) return json(401, { error: "Unauthorized" });
    if (!this.limits.take(first, verb)) return json(429, { error: "Too many requests" });
    return isRun ? await this.#run(call, first) : this.#about(call, verb, id);
  }

  #run(call: Call, endpoint: string): Promise<Reply | "drop"> {
    const request = requestSchema.safeParse(parse(call.body)).data;
    if (request === undefined) return Promise.resolve(json(400, { error: "input is required and must be an object" }));
    const { input, webhook = null, policy } = request;
    const prompt = String(input.positive_prompt ?? input.prompt ?? "");
    const words = this.#takes.take(prompt, wordsIn(prompt, "runpod"));
    return submitWith(submitFaultIn(words) ?? this.everySubmission, words, this.timeline, {
      refuse: (code) => code > 500 ? gatewayFailure(code) : json(code, { error: `Simulated ${code}` }),
      accept: () => {
        const accepted = this.runs.add({
          endpoint,
          input,
          webhook,
          words,
          policy: Object.fromEntries(Object.entries(policy).filter(([, milliseconds]) => milliseconds !== undefined)),
        });
        return json(200, { id: accepted.id, status: "IN_QUEUE" });
      },
    });
  }

  #about(call: Call, verb: string, id: string): Reply {
    const found = this.runs.find(id);
    const action = `${call.method} ${verb}`;
    if (action !== "GET status" && action !== "POST cancel") return json(404, { message: "Not Found" });
    if (found === undefined) return json(404, { error: "job not found" });
    if (action === "POST cancel") return this.#cancel(found);
    const fault = statusFaultIn(found.words, ++found.calls.status);
    return fault === undefined ? json(200, statusBody(found)) : gatewayFailure(fault);
  }

  #cancel(found: RunpodRun): Reply {
    found.calls.cancel++;
    if (!found.words.has("cancel_ignored")) this.runs.end(found, "CANCELLED");
    return json(200, { id: found.id, status: found.state });
  }

  #file(call: Call, id: string, name: string): Reply {
    const found = this.runs.all.find((one) => one.id === id);
    if (found) found.calls.file++;
    return serveSample(call, name, found?.words ?? new Map());
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
