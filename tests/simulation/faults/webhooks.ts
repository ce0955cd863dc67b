import type { WebhookKeys } from "../../../local/simulators/fal/signing.ts";
import type { Run } from "../../../local/simulators/fal/run-queue.ts";
import type { RunpodRun } from "../../../local/simulators/runpod/runs.ts";
import { webhookUrl } from "../../../supabase/functions/_shared/jobs/webhook-url.ts";
import type { Random } from "../runtime/random.ts";

/** The kinds of webhooks, genuine and wrong ones, and the statuses that each may be answered with. */
export const WEBHOOK_ANSWERS = {
  genuine: [200, 404],
  error: [200, 404],
  "payload error": [200, 404],
  "other user": [200, 404],
  early: [200, 404],
  "before the answer": [200, 404],
  late: [200, 404],
  repeated: [200, 404],
  stale: [401],
  future: [401],
  forged: [401],
  tampered: [401],
  "wrong token": [401],
  "other attempt's token": [401],
  "no token": [401],
  "no run": [400],
  "unknown job": [404],
} as const;
export type WebhookKind = keyof typeof WEBHOOK_ANSWERS;

/** The kinds of RunPod, which signs nothing: a signature cannot be wrong there. */
const UNSIGNED: readonly WebhookKind[] = [
  "genuine",
  "error",
  "early",
  "late",
  "repeated",
  "wrong token",
  "other attempt's token",
  "no token",
  "no run",
  "unknown job",
];

/** A run whose provider sends webhooks. */
export interface ReportingRun {
  provider: "fal" | "runpod";
  id: string;
  webhookUrl: string;
  isOver(): boolean;
}

/** A webhook that a provider will send. */
export interface QueuedWebhook {
  run: ReportingRun;
  kind: WebhookKind;
  due: number;
  tries: number;
}

/** The operator's token in the address that a RunPod endpoint may report to. */
export const RUNPOD_WEBHOOK_TOKEN = "a token of the operator";

/** The request of a webhook, to one of our functions. */
export interface WebhookRequest {
  endpoint: "provider-webhook" | "openv";
  path: string;
  headers: HeadersInit;
  body: BodyInit;
}

const TOLERANCE_SECONDS = 300;

/** Holds the webhooks of ended runs, and writes their requests: as the provider does, or as a forger does. */
export class WebhookQueue {
  readonly queued: QueuedWebhook[] = [];

  constructor(private readonly now: () => number, private readonly random: Random) {}

  /** Queues the webhooks of a RunPod run, as its prompt words say. */
  runpodEnded(run: RunpodRun): void {
    const reporter = runpodReporter(run);
    const { lost, copies = 1 } = run.script.webhook ?? {};
    if (reporter === null || lost) return;
    for (let copy = 0; copy < copies; copy++) {
      this.queued.push({ run: reporter, kind: copy > 0 ? "repeated" : "genuine", due: this.now(), tries: 0 });
    }
  }

  /** Queues the webhooks of a fal run, as its script says. */
  falEnded(run: Run): void {
    const script = run.script.webhook ?? {};
    const reporter = falReporter(run);
    if (reporter === null || script.lost || (run.cancelled && !run.script.cancelWebhook)) return;
    const due = this.now() + (script.lateMs ?? 0);
    const send = (kind: WebhookKind, at = due) => this.queued.push({ run: reporter, kind, due: at, tries: 0 });
    if (script.errorFirst) send("error");
    for (let copy = 0; copy < (script.copies ?? 1); copy++) {
      send(copy > 0 ? "repeated" : scriptedKind(script, due > this.now()));
    }
  }

  /** Takes any webhook that is due, so that they overtake each other. */
  takeDue(): QueuedWebhook | undefined {
    const due = this.queued.filter((webhook) => webhook.due <= this.now());
    const webhook = this.random.chance(0.8) ? this.random.recent(due, 20) : this.random.maybe(due);
    if (webhook !== undefined) this.queued.splice(this.queued.indexOf(webhook), 1);
    return webhook;
  }

  /** Providers send a webhook again if its answer was an error. */
  retryLater(webhook: QueuedWebhook): void {
    if (webhook.tries < 3) {
      this.queued.push({ ...webhook, tries: webhook.tries + 1, due: this.now() + 1000 * 2 ** webhook.tries });
    }
  }

  /** The request of a webhook: to the address that we gave the provider, or to a made-up one. */
  async writeRequest(keys: WebhookKeys, webhook: QueuedWebhook): Promise<WebhookRequest> {
    const { run, kind } = webhook;
    if (run.provider === "runpod") return await this.#writeUnsigned(webhook);
    const body = new TextEncoder().encode(JSON.stringify(
      {
        gateway_request_id: run.id,
        status: kind === "error" ? "ERROR" : "OK",
        payload: kind === "payload error" ? null : { note: "the payload is never used" },
        ...(kind === "no run" ? {} : { request_id: run.id }),
      },
      null,
      1,
    ));
    const offset = kind === "stale" ? -1 : kind === "future" ? 1 : 0;
    const headers = await keys.sign({
      requestId: run.id,
      userId: kind === "other user" ? "another-user" : "simulated-user",
      timestamp: Math.floor(this.now() / 1000) + offset * (TOLERANCE_SECONDS + 2),
      body,
      forged: kind === "forged",
    });
    const sent = kind === "tampered"
      ? new TextEncoder().encode(new TextDecoder().decode(body).replace("\n ", "\n\t"))
      : body;
    return { endpoint: "provider-webhook", path: await this.#path(run, kind), headers, body: sent };
  }

  async #writeUnsigned({ run, kind }: QueuedWebhook): Promise<WebhookRequest> {
    const status = kind === "error" ? "FAILED" : "COMPLETED";
    const body = JSON.stringify({ status, ...(kind === "no run" ? {} : { id: run.id }) });
    const headers = { "content-type": "application/json" };
    // Some endpoints report to the one address that they were given, which names no job.
    const namesJob = kind === "other attempt's token" || kind === "unknown job" || this.random.chance(0.6);
    if (namesJob) return { endpoint: "provider-webhook", path: await this.#path(run, kind), headers, body };
    const token = kind === "no token" ? "" : `${kind === "wrong token" ? "x" : ""}${RUNPOD_WEBHOOK_TOKEN}`;
    return { endpoint: "openv", path: `/api/runpod/webhook?token=${encodeURIComponent(token)}`, headers, body };
  }

  async #path(run: ReportingRun, kind: WebhookKind): Promise<string> {
    const url = new URL(run.webhookUrl);
    const query = url.searchParams;
    if (kind === "no token") query.delete("token");
    if (kind === "wrong token") query.set("token", `${query.get("token")}`.split("").reverse().join(""));
    if (kind === "other attempt's token") query.set("attempt", String(Number(query.get("attempt")) + 1));
    if (kind === "unknown job") {
      return new URL(
        await webhookUrl("http://functions.simulated", run.provider, { jobId: this.random.uuid(), attempt: 1 }),
      )
        .href.replace(/^.*provider-webhook/, "");
    }
    return `/${run.provider}?${query}`;
  }
}

/** The kinds of webhooks that may come for a run of this provider. */
export function webhookKindsOf({ provider }: ReportingRun): readonly WebhookKind[] {
  if (provider === "runpod") return UNSIGNED;
  const names: WebhookKind[] = [];
  for (const name in WEBHOOK_ANSWERS) if (isWebhookKind(name)) names.push(name);
  return names;
}

function isWebhookKind(name: string): name is WebhookKind {
  return Object.hasOwn(WEBHOOK_ANSWERS, name);
}

export function falReporter(run: Run): ReportingRun | null {
  const { id, webhookUrl } = run;
  return webhookUrl === null ? null : { provider: "fal", id, webhookUrl, isOver: () => run.state === "COMPLETED" };
}

export function runpodReporter(run: RunpodRun): ReportingRun | null {
  const { id, webhook } = run;
  return webhook === null ? null : { provider: "runpod", id, webhookUrl: webhook, isOver: () => run.endedAt !== null };
}

function scriptedKind(script: NonNullable<Run["script"]["webhook"]>, late: boolean): WebhookKind {
  if (script.forged) return "forged";
  if (script.tampered) return "tampered";
  if (script.timestampOffsetSeconds !== undefined) return script.timestampOffsetSeconds < 0 ? "stale" : "future";
  if (script.userId !== undefined) return "other user";
  if (script.payloadError) return "payload error";
  if (script.status === "ERROR") return "error";
  return late ? "late" : "genuine";
}
