import type { Timeline } from "../shared/timeline.ts";
import { WebhookSender } from "../shared/webhook-sender.ts";
import { type RunpodRun, statusBody } from "./runs.ts";

/** One delivery and two repeats, ten seconds apart, until the answer is 200. */
const TRIES = 3;
const PAUSE_MS = 10_000;
const TIMEOUT_MS = 15_000;

/** Sends the unsigned webhook of runs that have ended. */
export class Webhooks {
  readonly sender: WebhookSender = new WebhookSender();

  constructor(readonly timeline: Timeline) {}

  /** Sends the webhook of a run as its script says. */
  send(run: RunpodRun): void {
    const { lost, copies = 1 } = run.script.webhook ?? {};
    if (run.webhook === null || lost) return;
    for (let copy = 0; copy < copies; copy++) this.sender.track(this.#try(run, run.webhook, 1));
  }

  async #try(run: RunpodRun, url: string, attempt: number): Promise<void> {
    const at = this.timeline.now();
    // Input and address are echoed, the secret in it included.
    const body = JSON.stringify({ ...statusBody(run), input: run.input, webhook: url });
    const status = await this.sender.post(url, {}, body, TIMEOUT_MS);
    run.webhooks.push({ at, status });
    if (status === 200 || attempt === TRIES) return;
    this.timeline.at(at + PAUSE_MS, () => this.sender.track(this.#try(run, url, attempt + 1)));
  }
}
