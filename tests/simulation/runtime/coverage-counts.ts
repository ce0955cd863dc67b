/** What is counted, and under which headings. */
export type Heading =
  | "operations"
  | "answers"
  | "faults"
  | "endings"
  | "webhooks"
  | "submissions"
  | "steps"
  | "batches"
  | "cancellations"
  | "account deletions"
  | "alerts"
  | "sql errors";

/** How often each thing happened: a run in which something never happens proves nothing about it. */
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

  /** Of all the names that begin so. */
  sum(heading: Heading, beginning: string): number {
    return this.#total(heading, (name) => name.startsWith(beginning));
  }

  /** Of all the names that end so. */
  ending(heading: Heading, end: string): number {
    return this.#total(heading, (name) => name.endsWith(end));
  }

  /** All of it, the names in order. */
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
