/** Pseudo-random numbers: the same seed gives the same numbers. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 to below 1, by mulberry32, which gives the same numbers on every machine. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An independent source: what one process draws changes nothing for the others. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** A whole number from `low` to `high`. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = this.maybe(items);
    if (item === undefined) throw new Error("Nothing to pick from");
    return item;
  }

  /** One of the items; undefined if there is none. */
  maybe<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.next() * items.length)];
  }

  /** One of the last items. The newest are the ones still under way. */
  recent<Item>(items: readonly Item[], last: number): Item | undefined {
    return this.maybe(items.slice(-last));
  }

  /** One of the names, with a probability in proportion to its weight. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
    const entries = namesOf(weights).map((name) => ({ name, weight: weights[name] }));
    let rest = this.next() * entries.reduce((sum, { weight }) => sum + weight, 0);
    for (const { name, weight } of entries) {
      rest -= weight;
      if (rest < 0) return name;
    }
    throw new Error("No weights");
  }

  uuid(): ReturnType<typeof crypto.randomUUID> {
    const hex = Array.from({ length: 32 }, () => this.whole(0, 15).toString(16)).join("");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}

function namesOf<Name extends string>(weights: Readonly<Record<Name, number>>): Name[] {
  const names: Name[] = [];
  for (const name in weights) names.push(name);
  return names;
}
