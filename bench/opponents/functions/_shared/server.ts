import { createAdminClient, verifyAuth } from "@supabase/server/core";
import { z } from "zod";

/** One client for all requests of the process. */
export const admin = createAdminClient();

/** The id of the token's user; null without a valid token. The token is checked here, without a call. */
export async function userOf(request: Request): Promise<string | null> {
  const { data } = await verifyAuth(request, { auth: "user" });
  return data?.userClaims?.id ?? null;
}

export const requestSchema = z.object({
  model_id: z.uuid(),
  prompt: z.string().trim().min(1).max(5000),
  settings: z.record(z.string(), z.unknown()).default({}),
});

export type VideoRequest = z.infer<typeof requestSchema>;

const submitted = z.object({ request_id: z.string() });

/** Sends a run to the provider. */
export async function submit(model: string, { prompt, settings }: Omit<VideoRequest, "model_id">): Promise<string> {
  const response = await fetch(`${Deno.env.get("FAL_QUEUE_URL")}/${model}`, {
    method: "POST",
    headers: { "Authorization": `Key ${Deno.env.get("FAL_KEY")}`, "Content-Type": "application/json" },
    body: JSON.stringify({ prompt, ...settings }),
    signal: AbortSignal.timeout(25_000),
  });
  if (!response.ok) throw new Error(`The provider answered ${response.status}`);
  return submitted.parse(await response.json()).request_id;
}

export const json = (body: unknown, status = 200): Response => Response.json(body, { status });

/** The first line of an error of REST. */
export function must<Data>({ data, error }: { data: Data; error: { message: string } | null }): Data {
  if (error !== null) throw new Error(error.message);
  return data;
}
