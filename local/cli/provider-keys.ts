import type { StackOptions } from "../stack/stack.ts";

/** The real keys in the environment. A provider without a key is simulated. */
export function providerKeys(): Pick<StackOptions, "falKey" | "runpodKey" | "geminiKey" | "rendiKey"> {
  const falKey = Deno.env.get("FAL_KEY") || Deno.env.get("FALAI_API_KEY");
  const runpodKey = Deno.env.get("RUNPOD_API_KEY");
  const geminiKey = Deno.env.get("GEMINI_API_KEY");
  const rendiKey = Deno.env.get("RENDI_API_KEY");
  return {
    ...(falKey ? { falKey } : {}),
    ...(runpodKey ? { runpodKey } : {}),
    ...(geminiKey ? { geminiKey } : {}),
    ...(rendiKey ? { rendiKey } : {}),
  };
}
