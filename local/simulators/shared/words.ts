/** What a prompt asks of a simulator: each word with its value, `""` where it has none. */
export type Words = ReadonlyMap<string, string>;

/** The words of every `[name: word word=value …]` in a text. */
export function wordsIn(text: string, name: string): Words {
  const groups = [...text.matchAll(new RegExp(`\\[${name}:([^\\]]*)\\]`, "gi"))];
  const words = groups.flatMap(([, group]) => (group ?? "").toLowerCase().split(/[\s,;]+/)).filter((word) =>
    word !== ""
  );
  return new Map(words.map((word) => {
    const [key = "", value = ""] = word.split("=", 2);
    return [key, value];
  }));
}

const UNITS: Readonly<Record<string, number>> = { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** The time that a word such as `run=5s` gives; `otherwise` where it is not there or no time. */
export function millisecondsOf(words: Words, key: string, otherwise: number): number {
  const [, amount, unit = ""] = words.get(key)?.match(/^(\d+(?:\.\d+)?)([a-z]*)$/) ?? [];
  const factor = UNITS[unit];
  return amount === undefined || factor === undefined ? otherwise : Number(amount) * factor;
}

/** The number that a word such as `copies=3` gives. */
export function countOf(words: Words, key: string, otherwise: number): number {
  const value = words.get(key);
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : otherwise;
}

/** Counts the submissions of each text: with `times=2` the words hold for two of them, the next goes well, and so on. */
export class Takes {
  readonly #used = new Map<string, number>();

  take(text: string, words: Words): Words {
    const times = countOf(words, "times", Infinity);
    const used = this.#used.get(text) ?? 0;
    if (times === Infinity) return words;
    this.#used.set(text, used < times ? used + 1 : 0);
    return used < times ? words : new Map();
  }

  clear(): void {
    this.#used.clear();
  }
}
