import type { WebhookKeys } from "../../../local/simulators/fal/signing.ts";
import type { Run } from "../../../local/simulators/fal/run-queue.ts";
import type { RunpodRun } from "../../../local/simulators/runpod/runs.ts";
import { countOf } from "../../../local/simulators/shared/words.ts";
import { webhookUrl } from "../../../supabase/functions/_shared/jobs/webhook-url.ts";
import type { Random } from "../runtime/random.ts";

/** What may be wrong with a delivery, and what it must be answered then. */
export const DELIVERIES = {
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
export type Delivery = keyof typeof DELIVERIES;

/** RunPod signs nothing: what is wrong with a signature cannot be wrong there. */
const UNSIGNED: readonly Delivery[] = [
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

/** A run whose provider calls back. */
export interface Reporter {
  provider: "fal" | "runpod";
  id: string;
  webhookUrl: string;
  /** Whether it is over, now. */
  isOver(): boolean;
}

/** A webhook that a provider is to send. */
export interface Mail {
  run: Reporter;
  delivery: Delivery;
  due: number;
  tries: number;
}

const TOLERANCE_SECONDS = 300;

/** Collects the webhooks of ended runs, as their scripts want them, and writes each as fal would, or as a forger would. */
export class Postman {
  readonly mail: Mail[] = [];

  constructor(private readonly now: () => number, private readonly random: Random) {}

  /** Of RunPod. */
  runpodEnded(run: RunpodRun): void {
    const reporter = reporterOfRunpod(run);
    if (reporter === null || run.words.has("webhook_none")) return;
    for (let copy = 0; copy < countOf(run.words, "webhook_copies", 1); copy++) {
      this.mail.push({ run: reporter, delivery: copy > 0 ? "repeated" : "genuine", due: this.now(), tries: 0 });
    }
  }

  /** Of fal. */
  ended(run: Run): void {
    const script = run.script.webhook ?? {};
    const reporter = reporterOfFal(run);
    if (reporter === null || script.lost || (run.cancelled && !run.script.cancelWebhook)) return;
    const due = this.now() + (script.lateMs ?? 0);
    const send = (delivery: Delivery, at = due) => this.mail.push({ run: reporter, delivery, due: at, tries: 0 });
    if (script.errorFirst) send("error");
    for (let copy = 0; copy < (script.copies ?? 1); copy++) {
      send(copy > 0 ? "repeated" : deliveryOf(script, due > this.now()));
    }
  }

  /** Takes one that is due out of the bag: any of them, so that they overtake each other. */
  take(): Mail | undefined {
    const due = this.mail.filter((mail) => mail.due <= this.now());
    const mail = this.random.chance(0.8) ? this.random.recent(due, 20) : this.random.maybe(due);
    if (mail !== undefined) this.mail.splice(this.mail.indexOf(mail), 1);
    return mail;
  }

  /** Providers send again what was not answered well. */
  putBack(mail: Mail): void {
    if (mail.tries < 3) this.mail.push({ ...mail, tries: mail.tries + 1, due: this.now() + 1000 * 2 ** mail.tries });
  }

  /** The request of a delivery: the address that we gave, or one that somebody made up. */
  async write(
    keys: WebhookKeys,
    mail: Mail,
  ): Promise<{ path: string; headers: HeadersInit; body: BodyInit }> {
    const { run, delivery } = mail;
    if (run.provider === "runpod") return await this.#writeUnsigned(mail);
    const body = new TextEncoder().encode(JSON.stringify(
      {
        gateway_request_id: run.id,
        status: delivery === "error" ? "ERROR" : "OK",
        payload: delivery === "payload error" ? null : { note: "what it says is never believed" },
        ...(delivery === "no run" ? {} : { request_id: run.id }),
      },
      null,
      1,
    ));
    const offset = delivery === "stale" ? -1 : delivery === "future" ? 1 : 0;
    const headers = await keys.sign({
      requestId: run.id,
      userId: delivery === "other user" ? "another-user" : "simulated-user",
      timestamp: Math.floor(this.now() / 1000) + offset * (TOLERANCE_SECONDS + 2),
      body,
      forged: delivery === "forged",
    });
    const sent = delivery === "tampered"
      ? new TextEncoder().encode(new TextDecoder().decode(body).replace("\n ", "\n\t"))
      : body;
    return { path: await this.#path(run, delivery), headers, body: sent };
  }

  async #writeUnsigned({ run, delivery }: Mail): Promise<{ path: string; headers: HeadersInit; body: BodyInit }> {
    const status = delivery === "error" ? "FAILED" : "COMPLETED";
    const body = JSON.stringify({ status, ...(delivery === "no run" ? {} : { id: run.id }) });
    return { path: await this.#path(run, delivery), headers: { "content-type": "application/json" }, body };
  }

  async #path(run: Reporter, delivery: Delivery): Promise<string> {
    const url = new URL(run.webhookUrl);
    const query = url.searchParams;
    if (delivery === "no token") query.delete("token");
    if (delivery === "wrong token") query.set("token", `${query.get("token")}`.split("").reverse().join(""));
    if (delivery === "other attempt's token") query.set("attempt", String(Number(query.get("attempt")) + 1));
    if (delivery === "unknown job") {
      return new URL(
        await webhookUrl("http://functions.simulated", run.provider, { jobId: this.random.uuid(), attempt: 1 }),
      )
        .href.replace(/^.*provider-webhook/, "");
    }
    return `/${run.provider}?${query}`;
  }
}

/** The deliveries that this run's provider, or somebody in its name, may make. */
export function deliveriesFor({ provider }: Reporter): readonly Delivery[] {
  if (provider === "runpod") return UNSIGNED;
  const names: Delivery[] = [];
  for (const name in DELIVERIES) if (isDelivery(name)) names.push(name);
  return names;
}

function isDelivery(name: string): name is Delivery {
  return Object.hasOwn(DELIVERIES, name);
}

export function reporterOfFal(run: Run): Reporter | null {
  const { id, webhookUrl } = run;
  return webhookUrl === null ? null : { provider: "fal", id, webhookUrl, isOver: () => run.state === "COMPLETED" };
}

export function reporterOfRunpod(run: RunpodRun): Reporter | null {
  const { id, webhook } = run;
  return webhook === null ? null : { provider: "runpod", id, webhookUrl: webhook, isOver: () => run.endedAt !== null };
}

function deliveryOf(script: NonNullable<Run["script"]["webhook"]>, late: boolean): Delivery {
  if (script.forged) return "forged";
  if (script.tampered) return "tampered";
  if (script.timestampOffsetSeconds !== undefined) return script.timestampOffsetSeconds < 0 ? "stale" : "future";
  if (script.userId !== undefined) return "other user";
  if (script.payloadError) return "payload error";
  if (script.status === "ERROR") return "error";
  return late ? "late" : "genuine";
}
