import { type JsonObject, pythonJson } from "../shared/json.ts";
import type { ModelAnswer } from "./outcomes.ts";
import { errorAnswer } from "./outcomes.ts";
import type { Run } from "./run-queue.ts";
import type { Settings, WebhookContent } from "./script.ts";
import type { WebhookKeys } from "./signing.ts";
import type { Timeline } from "../shared/timeline.ts";
import { WebhookSender } from "../shared/webhook-sender.ts";
import type { DeliverOptions, WebhookDelivery } from "./types.ts";

const USER_ID = "simulated-user";
const MOST_ATTEMPTS = 31;
const LONGEST_BACKOFF_MS = 5 * 60_000;
/** fal stops when the stored result expires. */
const RETRY_WINDOW_MS = 60 * 60_000;
const FIRST_TIMEOUT_MS = 15_000;
const LATER_TIMEOUT_MS = 120_000;

interface Sending {
  url: string;
  content: WebhookContent;
  body: JsonObject;
  attempt: number;
}

/** Sends the webhooks of runs, and again while the receiver does not answer 2xx. */
export class Webhooks {
  readonly sender: WebhookSender = new WebhookSender();

  constructor(
    readonly timeline: Timeline,
    readonly keys: WebhookKeys,
    readonly settings: () => Settings,
    readonly answerOf: (run: Run) => ModelAnswer,
  ) {}

  /** Sends the webhook of a run that starts, where its script asks for it that early. */
  started(run: Run, time: number): void {
    if (run.script.webhook?.early) this.#sendAt(time, run);
  }

  /** Sends the webhook of a run that has ended. */
  ended(run: Run, time: number): void {
    const script = run.script.webhook ?? {};
    if (script.early || script.beforeAnswer || (run.cancelled && !run.script.cancelWebhook)) return;
    this.#sendAt(time + (script.lateMs ?? 0), run);
  }

  /** Sends what the script of a run asks for. Resolves when each webhook was answered once. */
  async send(run: Run): Promise<void> {
    const { webhook: script = {} } = run.script;
    const url = run.webhookUrl;
    if (url === null || script.lost || !this.settings().webhooks) return;
    if (script.errorFirst) {
      await this.#attempt(run, {
        url,
        content: {},
        body: bodyOf(run, errorAnswer("runner_disconnected"), {}),
        attempt: 1,
      });
    }
    const body = bodyOf(run, this.answerOf(run), script);
    await Promise.all(
      Array.from({ length: script.copies ?? 1 }, () => this.#deliver(run, { url, content: script, body, attempt: 1 })),
    );
  }

  /** Sends a webhook that a test asks for, without repeats. */
  deliver(run: Run, options: DeliverOptions): Promise<WebhookDelivery[]> {
    const url = options.url ?? run.webhookUrl;
    if (url === null) throw new Error(`Request ${run.id} has no webhook`);
    const body = options.body ?? bodyOf(run, this.answerOf(run), options);
    return Promise.all(
      Array.from(
        { length: options.copies ?? 1 },
        () => this.#attempt(run, { url, content: options, body, attempt: 1 }),
      ),
    );
  }

  #sendAt(time: number, run: Run): void {
    this.timeline.at(time, () => this.sender.track(this.send(run)));
  }

  async #deliver(run: Run, sending: Sending): Promise<void> {
    const { status } = await this.#attempt(run, sending);
    const isFinal = status !== null && status >= 200 && status < 400; // a redirect is a permanent failure
    const now = this.timeline.now();
    const due = now + Math.min(this.settings().webhookBackoffMs * 2 ** (sending.attempt - 1), LONGEST_BACKOFF_MS);
    const lastDue = (run.completedAt ?? now) + RETRY_WINDOW_MS + (run.script.webhook?.lateMs ?? 0);
    if (isFinal || sending.attempt >= MOST_ATTEMPTS || due > lastDue) return;
    this.timeline.at(due, () => this.sender.track(this.#deliver(run, { ...sending, attempt: sending.attempt + 1 })));
  }

  async #attempt(run: Run, { url, content, body, attempt }: Sending): Promise<WebhookDelivery> {
    const at = this.timeline.now();
    const bytes = new TextEncoder().encode(pythonJson(body, { sortKeys: true }));
    const signed = await this.keys.sign({
      requestId: run.id,
      userId: content.userId ?? USER_ID,
      timestamp: Math.floor(at / 1000) + (content.timestampOffsetSeconds ?? 0),
      body: bytes,
      forged: content.forged === true,
    });
    const status = await this.sender.post(
      url,
      { "user-agent": "fal-simulator", ...signed },
      content.tampered ? tamper(bytes) : bytes,
      attempt === 1 ? FIRST_TIMEOUT_MS : LATER_TIMEOUT_MS,
    );
    const delivery = { at, attempt, status, reported: String(body.status) };
    run.webhooks.push(delivery);
    return delivery;
  }
}

function bodyOf(run: Run, answer: ModelAnswer, content: WebhookContent): JsonObject {
  const status = content.status ?? (answer.status === 200 ? "OK" : "ERROR");
  return {
    error: status === "OK" ? null : `Unexpected status code: ${answer.status}`,
    gateway_request_id: run.gatewayId,
    payload: content.payloadError ? null : answer.body,
    ...(content.payloadError ? { payload_error: "Response payload is not JSON serializable" } : {}),
    request_id: run.id,
    status,
  };
}

/** Changes one byte so that the JSON stays valid: a space in it becomes a tab. */
function tamper(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const changed = bytes.slice();
  changed[changed.indexOf(0x20)] = 0x09;
  return changed;
}
