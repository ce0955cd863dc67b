import type { Timeline } from "../shared/timeline.ts";
import { countOf } from "../shared/words.ts";
import { type RunpodRun, statusBody } from "./runs.ts";

/** One delivery and two more tries, ten seconds apart, until the answer is 200. */
const TRIES = 3;
const PAUSE_MS = 10_000;
const TIMEOUT_MS = 15_000;

/** Sends the unsigned webhook of runs that are over. */
export class Webhooks {
  readonly #stopped = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(readonly timeline: Timeline) {}

  /** Sends the webhook of a run, as its words say. */
  send(run: RunpodRun): void {
    if (run.webhook === null || run.words.has("webhook_none")) return;
    const copies = countOf(run.words, "webhook_copies", 1);
    for (let copy = 0; copy < copies; copy++) this.#track(this.#try(run, run.webhook, 1));
  }

  /** Resolves when nothing is under way; false if nothing was. */
  async settled(): Promise<boolean> {
    if (this.#underWay.size === 0) return false;
    await Promise.all(this.#underWay);
    return true;
  }

  stop(): void {
    this.#stopped.abort();
  }

  #track(work: Promise<unknown>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  async #try(run: RunpodRun, url: string, attempt: number): Promise<void> {
    const at = this.timeline.now();
    const status = await this.#post(url, run);
    run.webhooks.push({ at, status });
    if (status === 200 || attempt === TRIES) return;
    this.timeline.at(at + PAUSE_MS, () => this.#track(this.#try(run, url, attempt + 1)));
  }

  async #post(url: string, run: RunpodRun): Promise<number | null> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), TIMEOUT_MS);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        // Input and address are echoed, the secret in it included.
        body: JSON.stringify({ ...statusBody(run), input: run.input, webhook: url }),
        redirect: "manual",
        signal: AbortSignal.any([timeout.signal, this.#stopped.signal]),
      });
      await response.body?.cancel();
      return response.status;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }
}
