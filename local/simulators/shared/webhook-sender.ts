/** Sends webhooks over HTTP and knows which are under way. */
export class WebhookSender {
  readonly #stopped = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();

  /** Posts a body and returns the status of the answer; null where none came in time. */
  async post(
    url: string,
    headers: Record<string, string>,
    body: string | Uint8Array<ArrayBuffer>,
    limitMs: number,
  ): Promise<number | null> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), limitMs);
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
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

  /** Counts a sending as under way until it ends. */
  track(sending: Promise<unknown>): void {
    const tracked = sending.finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  /** Resolves when no sending is under way; false if none was. */
  async settled(): Promise<boolean> {
    if (this.#underWay.size === 0) return false;
    await Promise.all(this.#underWay);
    return true;
  }

  stop(): void {
    this.#stopped.abort();
  }
}
