/**
 * What one word of a prompt asks for. `value` is the text after its `=`; it is undefined where the word stands alone.
 * The result is undefined where the word does not take this value.
 */
export type Word<Script> = (value: string | undefined) => Script | undefined;

/** Words by their names. */
export type WordTable<Script> = Readonly<Record<string, Word<Script>>>;

/** What the prompts of one provider can say. */
export interface Vocabulary<Script> {
  provider: string;
  words: WordTable<Script>;
  /** The script of a run that fails with this message: a typing error in a prompt must not look like a success. */
  failing(message: string): Script;
}

/** The fields of a script that reading a prompt needs. */
interface PromptScript {
  times?: number | undefined;
  webhook?: object | undefined;
}

const TIME_UNITS = { "": 1000, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE_UNITS = { "": 1, b: 1, kb: 1000, mb: 1_000_000, gb: 1_000_000_000 };

/** A word without a value. */
export function alone<Script>(script: Script): Word<Script> {
  return (value) => value === undefined ? script : undefined;
}

/** A word with a time, such as `run=5s`, in milliseconds. */
export function withTime<Script>(script: (milliseconds: number) => Script): Word<Script> {
  return (value) => readAmount(value, TIME_UNITS, script);
}

/** A word with a size, such as `size=200mb`, in bytes. */
export function withSize<Script>(script: (bytes: number) => Script): Word<Script> {
  return (value) => readAmount(value, SIZE_UNITS, script);
}

/** A word with a number of one or more, such as `times=2`. */
export function withCount<Script>(script: (count: number) => Script): Word<Script> {
  return (value = "") => /^[1-9]\d*$/.test(value) ? script(Number(value)) : undefined;
}

/** Both scripts in one. Where both set a field, the second wins. */
export function mergeScripts<Script extends PromptScript>(first: Script, second: Script): Script {
  const merged = { ...first, ...second };
  return first.webhook && second.webhook ? { ...merged, webhook: { ...first.webhook, ...second.webhook } } : merged;
}

/** Reads the scripts in prompts and counts how often each was used. */
export class PromptScripts<Script extends PromptScript> {
  readonly #used = new Map<string, number>();

  constructor(private readonly vocabulary: Vocabulary<Script>) {}

  /** The script of one more submission of this prompt; undefined where its words ask for nothing. */
  take(prompt: string): Script | undefined {
    const scripts = scriptsIn(prompt, this.vocabulary)
      .filter(({ times }, index) => this.#use(`${index} ${prompt}`, times));
    return scripts.length === 0 ? undefined : scripts.reduce(mergeScripts);
  }

  clear(): void {
    this.#used.clear();
  }

  /** After its `times` a script is left out once, then it counts anew: the same prompt works again in the next demo. */
  #use(key: string, times: number | undefined): boolean {
    if (times === undefined) return true;
    const used = this.#used.get(key) ?? 0;
    this.#used.set(key, used < times ? used + 1 : 0);
    return used < times;
  }
}

/** One script for each `[provider: word name=value …]` of a prompt. */
function scriptsIn<Script extends PromptScript>(prompt: string, vocabulary: Vocabulary<Script>): Script[] {
  const brackets = prompt.matchAll(new RegExp(`\\[${vocabulary.provider}:([^\\]]*)\\]`, "gi"));
  return [...brackets].flatMap(([, bracket = ""]) => {
    const words = bracket.toLowerCase().split(/[\s,;]+/).filter((word) => word !== "");
    return words.length === 0 ? [] : words.map((word) => readWord(word, vocabulary)).reduce(mergeScripts);
  });
}

function readWord<Script>(word: string, { provider, words, failing }: Vocabulary<Script>): Script {
  const [name = "", value] = word.split("=", 2);
  const script = Object.hasOwn(words, name) ? words[name]?.(value) : undefined;
  return script ?? failing(`The ${provider} simulator does not know the word "${word}"`);
}

function readAmount<Script>(
  value: string | undefined,
  units: Readonly<Record<string, number>>,
  script: (amount: number) => Script,
): Script | undefined {
  const [, amount, unit = ""] = value?.match(/^(\d+(?:\.\d+)?)([a-z]*)$/) ?? [];
  const factor = units[unit];
  return amount === undefined || factor === undefined ? undefined : script(Math.round(Number(amount) * factor));
}
