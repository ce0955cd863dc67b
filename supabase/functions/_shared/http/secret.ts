const ALGORITHM = { name: "HMAC", hash: "SHA-256" };

/** Whether a caller knows a secret. The time that it takes says nothing of the secret. */
export async function isSameSecret(given: string, secret: string): Promise<boolean> {
  const message = new Uint8Array();
  const mac = await crypto.subtle.sign("HMAC", await keyOf(given, "sign"), message);
  return await crypto.subtle.verify("HMAC", await keyOf(secret, "verify"), mac, message);
}

async function keyOf(text: string, usage: "sign" | "verify"): Promise<CryptoKey> {
  // A key of HMAC must not be empty, and one of more than a block is hashed anyway.
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return await crypto.subtle.importKey("raw", digest, ALGORITHM, false, [usage]);
}
