import type { JsonObject } from "../shared/json.ts";
import { mergeScripts, PromptScripts } from "../shared/prompt-words.ts";
import type { Match, Script } from "./script.ts";
import { FAL_VOCABULARY } from "./words.ts";

/** The scripts in force: those in the prompts, and those that a test has added. */
export class Scripts {
  readonly #inPrompts = new PromptScripts(FAL_VOCABULARY);
  #added: { match: Match; script: Script; used: number }[] = [];

  add(match: Match, script: Script): void {
    this.#added.push({ match, script, used: 0 });
  }

  /** The script of one more submission. */
  take(endpoint: string, input: JsonObject): Script {
    const prompt = promptOf(input);
    const added = this.#added.filter((entry) => {
      return matches(entry.match, endpoint, prompt) && entry.used++ < (entry.script.times ?? Infinity);
    });
    return [this.#inPrompts.take(prompt) ?? {}, ...added.map(({ script }) => script)].reduce(mergeScripts);
  }

  clear(): void {
    this.#added = [];
    this.#inPrompts.clear();
  }
}

function matches(match: Match, endpoint: string, prompt: string): boolean {
  if (typeof match === "string") return prompt.includes(match);
  return prompt.includes(match.prompt ?? "") && endpoint === (match.endpoint ?? endpoint);
}

/** The text for the model, in whichever field it is. */
function promptOf(input: JsonObject): string {
  const shots = Array.isArray(input.multi_prompt) ? input.multi_prompt.map((shot) => shot?.prompt) : [];
  return [input.prompt, input.text, input.lyrics, input.lyrics_prompt, ...shots]
    .filter((text) => typeof text === "string").join("\n");
}
