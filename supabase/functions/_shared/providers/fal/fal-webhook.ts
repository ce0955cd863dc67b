/** Verifies that a webhook comes from fal: https://fal.ai/docs/documentation/model-apis/inference/webhooks */

import { z } from "zod";
import { ProviderError, type WebhookDelivery } from "../provider.ts";

/** The documented URL, and the one of the older documentation, which some accounts still use. */
const JWKS_URLS = ["https://rest.fal.ai/.well-known/jwks.json", "https://rest.alpha.fal.ai/.well-known/jwks.json"];

const TOLERANCE_SECONDS = 300;
/** fal allows to keep the keys for a day. */
const CACHE_MS = 24 * 60 * 60 * 1000;
/**
 * An unknown key may be new or forged: the keys are fetched once a minute at most, so that forged webhooks cause no
 * flood.
 */
const REFETCH_MS = 60 * 1000;
const FETCH_LIMIT_MS = 5_000;

const jwksSchema = z.object({
  keys: z.array(z.object({ kty: z.literal("OKP"), crv: z.literal("Ed25519"), x: z.string() })),
});

export interface FalWebhookConfig {
  /** The URL of the keys, where it is not fal's own: our simulator. */
  jwksUrl?: string | undefined;
  fetch?: typeof fetch | undefined;
  now?: (() => number) | undefined;
}

/** fal's public keys. They are fetched when they are first needed, once a day, and when none of them fits. */
class FalKeys {
  #keys: CryptoKey[] = [];
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  #fetching: Promise<void> | null = null;

  constructor(
    private readonly urls: readonly string[],
    private readonly send: typeof fetch,
    private readonly now: () => number,
  ) {}

  isStale(): boolean {
    return this.now() - this.#fetchedAt > CACHE_MS;
  }

  /** Fetches the keys unless that was just tried; all callers wait for the same request. */
  async refresh(): Promise<void> {
    if (this.#fetching === null && this.now() - this.#triedAt < REFETCH_MS) return;
    this.#fetching ??= this.#fetch().finally(() => (this.#fetching = null));
    await this.#fetching;
  }

  async haveSigned(signature: BufferSource, message: BufferSource): Promise<boolean> {
    for (const key of this.#keys) {
      if (await crypto.subtle.verify("Ed25519", key, signature, message)) return true;
    }
    return false;
  }

  async #fetch(): Promise<void> {
    this.#triedAt = this.now();
    for (const url of this.urls) {
      try {
        const response = await this.send(url, { signal: AbortSignal.timeout(FETCH_LIMIT_MS) });
        const { keys } = jwksSchema.parse(await response.json());
        this.#keys = await Promise.all(
          keys.map(({ kty, crv, x }) =>
            crypto.subtle.importKey("jwk", { kty, crv, x }, { name: "Ed25519" }, false, ["verify"])
          ),
        );
        this.#fetchedAt = this.now();
        return;
      } catch {
        // The next URL may work; where none does, `verify` throws.
      }
    }
  }
}

/**
 * Returns a function that says whether a delivery is signed by fal and at most five minutes old; it throws a retryable
 * `ProviderError` where fal's keys cannot be fetched. It keeps the keys: one per process is enough.
 */
export function createFalWebhookVerifier(config: FalWebhookConfig): (delivery: WebhookDelivery) => Promise<boolean> {
  const now = config.now ?? Date.now;
  const urls = config.jwksUrl === undefined ? JWKS_URLS : [config.jwksUrl];
  const keys = new FalKeys(urls, config.fetch ?? fetch, now);

  return async ({ headers, body }) => {
    const requestId = headers.get("x-fal-webhook-request-id");
    const userId = headers.get("x-fal-webhook-user-id");
    const timestamp = headers.get("x-fal-webhook-timestamp");
    const signature = fromHex(headers.get("x-fal-webhook-signature") ?? "");
    if (requestId === null || userId === null || timestamp === null || signature === null) return false;
    // In both directions: a signature from the future could be replayed until its time has come.
    if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now() / 1000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;

    const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", body)));
    const message = new TextEncoder().encode([requestId, userId, timestamp, digest].join("\n"));
    if (keys.isStale()) await keys.refresh();
    if (keys.isStale()) {
      throw new ProviderError("retryable", "provider_unreachable", "fal's keys cannot be fetched");
    }
    if (await keys.haveSigned(signature, message)) return true;
    await keys.refresh();
    return await keys.haveSigned(signature, message);
  };
}

function fromHex(text: string): BufferSource | null {
  if (!/^[0-9a-f]{128}$/i.test(text)) return null;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const bodySchema = z.object({ request_id: z.string().min(1) });

/**
 * The id of the run in a webhook's body; null where there is none. Other numbers in it may be too large for JavaScript.
 */
export function falRunId(body: BufferSource): string | null {
  try {
    return bodySchema.parse(JSON.parse(new TextDecoder().decode(body))).request_id;
  } catch {
    return null;
  }
}
