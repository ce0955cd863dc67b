import { resolveEnv } from "@supabase/server/core";

interface ReportedAttempt {
  jobId: string;
  attempt: number;
}

/**
 * The unguessable part of the address that a provider reports a run to: a MAC of provider, job and attempt under the
 * project's secret key. It is stored nowhere, since it can be made again; after a change of the key the webhooks of runs
 * under way are refused, and those jobs are followed by polling.
 */
export async function webhookToken(provider: string, { jobId, attempt }: ReportedAttempt): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await macKey(), message(provider, { jobId, attempt }));
  return toBase64Url(new Uint8Array(mac));
}

/**
 * Whether the token is the one of this provider, job and attempt; WebCrypto compares in constant time. Of the provider too:
 * else the address of one that signs would be good for one that does not.
 */
export async function isWebhookToken(token: string, provider: string, attempt: ReportedAttempt): Promise<boolean> {
  const mac = fromBase64Url(token);
  return mac !== null && (await crypto.subtle.verify("HMAC", await macKey(), mac, message(provider, attempt)));
}

/** Where the provider reports the end of an attempt to. */
export async function webhookUrl(
  functionsUrl: string,
  provider: string,
  attempt: ReportedAttempt,
): Promise<string> {
  const query = new URLSearchParams({
    job: attempt.jobId,
    attempt: String(attempt.attempt),
    token: await webhookToken(provider, attempt),
  });
  return `${functionsUrl}/provider-webhook/${provider}?${query}`;
}

function message(provider: string, { jobId, attempt }: ReportedAttempt): BufferSource {
  return new TextEncoder().encode(`provider-webhook\n${provider}\n${jobId}\n${attempt}`);
}

async function macKey(): Promise<CryptoKey> {
  const { data: environment, error } = resolveEnv();
  if (error) throw error;
  const secret = environment.secretKeys.default ?? Object.values(environment.secretKeys)[0];
  if (secret === undefined) throw new Error("The project has no secret key");
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return await crypto.subtle.importKey("raw", new TextEncoder().encode(secret), algorithm, false, ["sign", "verify"]);
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function fromBase64Url(text: string): BufferSource | null {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return null;
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}
