import type { JsonObject } from "../shared/json.ts";
import { mergeScripts, scriptsInPrompt } from "./prompt-words.ts";
import type { Match, Script } from "./script.ts";

/** The scripts in force: those in the prompts and those that were set. */
export class Scripts {
  #set: { match: Match; script: Script; used: number }[] = [];
  readonly #usedInPrompts = new Map<string, number>();

  add(match: Match, script: Script): void {
    this.#set.push({ match, script, used: 0 });
  }

  /** The script of one submission, which counts as a use of each that takes part in it. */
  take(endpoint: string, input: JsonObject): Script {
    const prompt = promptOf(input);
    const inPrompt = scriptsInPrompt(prompt).filter((script, index) => this.#usePrompt(script, `${index} ${prompt}`));
    const set = this.#set.filter((entry) => {
      if (!matches(entry.match, endpoint, prompt)) return false;
      return entry.used++ < (entry.script.times ?? Infinity);
    });
    return [...inPrompt, ...set.map((entry) => entry.script)].reduce(mergeScripts, {});
  }

  clear(): void {
    this.#set = [];
    this.#usedInPrompts.clear();
  }

  /** After its `times` a prompt goes well once, and then it counts anew: the same words work again in the next demo. */
  #usePrompt(script: Script, key: string): boolean {
    if (script.times === undefined) return true;
    const used = this.#usedInPrompts.get(key) ?? 0;
    this.#usedInPrompts.set(key, used < script.times ? used + 1 : 0);
    return used < script.times;
  }
}

function matches(match: Match, endpoint: string, prompt: string): boolean {
  if (typeof match === "string") return prompt.includes(match);
  return prompt.includes(match.prompt ?? "") && endpoint === (match.endpoint ?? endpoint);
}

/** The text that a model is given, whichever field holds it. */
function promptOf(input: JsonObject): string {
  const shots = Array.isArray(input.multi_prompt) ? input.multi_prompt.map((shot) => shot?.prompt) : [];
  return [input.prompt, input.text, input.lyrics, input.lyrics_prompt, ...shots]
    .filter((text) => typeof text === "string").join("\n");
}
