export type Heading =
  | "operations"
  | "answers"
  | "faults"
  | "endings"
  | "webhooks"
  | "submissions"
  | "steps"
  | "batches"
  | "repeats"
  | "canvas"
  | "imports"
  | "cancellations"
  | "account deletions"
  | "alerts"
  | "sql errors";

/** Counts how often each thing happened. A run proves nothing about what never happened in it. */
export class CoverageCounts {
  readonly #counts = new Map<Heading, Map<string, number>>();

  add(heading: Heading, name: string, times = 1): void {
    const names = this.#counts.get(heading) ?? new Map<string, number>();
    names.set(name, (names.get(name) ?? 0) + times);
    this.#counts.set(heading, names);
  }

  of(heading: Heading, name: string): number {
    return this.#counts.get(heading)?.get(name) ?? 0;
  }

  /** The sum over all names with this beginning. */
  sum(heading: Heading, beginning: string): number {
    return this.#total(heading, (name) => name.startsWith(beginning));
  }

  /** The sum over all names with this end. */
  ending(heading: Heading, end: string): number {
    return this.#total(heading, (name) => name.endsWith(end));
  }

  /** All counts, sorted by name. */
  toJSON(): Record<string, Record<string, number>> {
    return Object.fromEntries(
      [...this.#counts].map(([heading, names]) => [
        heading,
        Object.fromEntries([...names].sort(([a], [b]) => a < b ? -1 : 1)),
      ]),
    );
  }

  #total(heading: Heading, counts: (name: string) => boolean): number {
    const names = [...this.#counts.get(heading) ?? []].filter(([name]) => counts(name));
    return names.reduce((sum, [, times]) => sum + times, 0);
  }
}
