interface Keys {
  privateKey: CryptoKey;
  jwk: { kty: "OKP"; crv: "Ed25519"; x: string };
}

/** The four headers of a signed webhook. */
export interface SignedHeaders extends Record<string, string> {
  "x-fal-webhook-request-id": string;
  "x-fal-webhook-user-id": string;
  "x-fal-webhook-timestamp": string;
  "x-fal-webhook-signature": string;
}

/** The Ed25519 keys of the webhooks. */
export class WebhookKeys {
  #current: Keys;
  #published: Keys[];

  private constructor(first: Keys) {
    this.#current = first;
    this.#published = [first];
  }

  static async create(): Promise<WebhookKeys> {
    return new WebhookKeys(await generate());
  }

  /** The body of the JWKS route. */
  jwks(): { keys: Keys["jwk"][] } {
    return { keys: this.#published.map((key) => key.jwk) };
  }

  async rotate(keepOld: boolean): Promise<void> {
    this.#current = await generate();
    this.#published = keepOld ? [...this.#published, this.#current] : [this.#current];
  }

  /** Signs as fal does: four lines, the last the SHA-256 of the body. */
  async sign(
    webhook: { requestId: string; userId: string; timestamp: number; body: Uint8Array<ArrayBuffer>; forged: boolean },
  ): Promise<SignedHeaders> {
    const { privateKey } = webhook.forged ? await generate() : this.#current;
    const timestamp = String(webhook.timestamp);
    const hash = encodeHex(await crypto.subtle.digest("SHA-256", webhook.body));
    const message = new TextEncoder().encode([webhook.requestId, webhook.userId, timestamp, hash].join("\n"));
    return {
      "x-fal-webhook-request-id": webhook.requestId,
      "x-fal-webhook-user-id": webhook.userId,
      "x-fal-webhook-timestamp": timestamp,
      "x-fal-webhook-signature": encodeHex(await crypto.subtle.sign("Ed25519", privateKey, message)),
    };
  }
}

async function generate(): Promise<Keys> {
  const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if (!("privateKey" in pair)) throw new Error("Ed25519 made no key pair");
  const { x } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  if (x === undefined) throw new Error("The Ed25519 key has no public part");
  return { privateKey: pair.privateKey, jwk: { kty: "OKP", crv: "Ed25519", x } };
}

function encodeHex(bytes: ArrayBuffer): string {
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
