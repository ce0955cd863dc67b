import { z } from "zod";
import { ProviderError } from "./providers/provider.ts";
import { MediaError, signedUrls } from "./storage-utils.ts";
import type { Tools } from "./tools.ts";

/** The private bucket of what users uploaded. */
export const INPUT_BUCKET = "inputs";

/** Longer than a run may wait and last: some providers fetch the image only when they start. */
const INPUT_URL_SECONDS = 6 * 60 * 60;

const fileReference = z.strictObject({ input_file: z.string() });

/** A step's input as it is sent: files that the user uploaded become signed URLs. Throws `ProviderError`. */
export async function resolveInput(
  tools: Tools,
  input: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  const files = new Map<string, string>();
  for (const [name, value] of Object.entries(input)) {
    const reference = fileReference.safeParse(value);
    if (reference.success) files.set(name, reference.data.input_file);
  }
  if (files.size === 0) return input;

  const urls = await sign(tools, [...files.values()]);
  const resolved = Object.entries(input).map(([name, value]) => {
    const path = files.get(name);
    if (path === undefined) return [name, value];
    const url = urls.get(path);
    if (url === undefined) throw new ProviderError("rejected", "input_missing", `no file at ${path}`);
    return [name, url];
  });
  return Object.fromEntries(resolved);
}

async function sign(tools: Tools, paths: string[]): Promise<Map<string, string>> {
  const files = { bucket: INPUT_BUCKET, paths, expiresInSeconds: INPUT_URL_SECONDS };
  try {
    return await tools.phases.measure("storage", () => signedUrls(tools.client, files));
  } catch (error) {
    if (error instanceof MediaError) throw new ProviderError("retryable", "input_unavailable", error.message);
    throw error;
  }
}
