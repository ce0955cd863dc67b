/** Measures where a request's time goes, for the `Server-Timing` header. */
export type PhaseName = "auth" | "db" | "provider" | "storage";

export class ServerTiming {
  readonly #milliseconds = new Map<PhaseName, number>();
  readonly #started = performance.now();

  /** Runs the work and adds its time to the phase, also when it fails. */
  async measure<T>(phase: PhaseName, work: () => PromiseLike<T>): Promise<T> {
    const started = performance.now();
    try {
      return await work();
    } finally {
      this.#milliseconds.set(phase, (this.#milliseconds.get(phase) ?? 0) + performance.now() - started);
    }
  }

  header(): string {
    const parts = [...this.#milliseconds].map(([phase, duration]) => `${phase};dur=${duration.toFixed(1)}`);
    return [...parts, `total;dur=${(performance.now() - this.#started).toFixed(1)}`].join(", ");
  }
}
