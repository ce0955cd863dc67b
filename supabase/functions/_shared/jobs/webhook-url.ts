import { resolveEnv } from "@supabase/server/core";

interface ReportedAttempt {
  jobId: string;
  attempt: number;
}

/**
 * The secret part of a webhook's address: a MAC of provider, job and attempt under the project's secret key. It is not
 * stored, because it can be computed again. After a change of the key the webhooks of current runs are refused, and those
 * jobs are checked by polls and the worker.
 */
async function webhookToken(provider: string, { jobId, attempt }: ReportedAttempt): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await macKey(), message(provider, { jobId, attempt }));
  return toBase64Url(new Uint8Array(mac));
}

/**
 * Whether the token belongs to this provider, job and attempt; WebCrypto compares in constant time. The provider is part of
 * it: otherwise the address of a provider that signs its webhooks would be valid for one that does not.
 */
export async function isWebhookToken(token: string, provider: string, attempt: ReportedAttempt): Promise<boolean> {
  const mac = fromBase64Url(token);
  return mac !== null && (await crypto.subtle.verify("HMAC", await macKey(), mac, message(provider, attempt)));
}

/** The address of an attempt's webhook. */
export async function webhookUrl(functionsUrl: string, provider: string, attempt: ReportedAttempt): Promise<string> {
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

let known: CryptoKey | undefined;

/** Imported once an instance, whose environment does not change. */
async function macKey(): Promise<CryptoKey> {
  return known ??= await importMacKey();
}

async function importMacKey(): Promise<CryptoKey> {
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
