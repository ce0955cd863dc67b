import { Buffer } from "node:buffer";
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";

/** The secret that signs users' tokens, and the name by which a token says that it was signed with it. */
export interface SigningKey {
  kid: string;
  secret: string;
}

/** A new random signing key. */
export function createSigningKey(): SigningKey {
  return { kid: crypto.randomUUID(), secret: randomBytes(32).toString("hex") };
}

/** The keys of a stack. */
export interface StackKeys {
  publishableKey: string;
  secretKey: string;
  signingKey: SigningKey;
}

/** New random keys of a stack. */
export function createStackKeys(): StackKeys {
  return {
    publishableKey: createApiKey("publishable"),
    secretKey: createApiKey("secret"),
    signingKey: createSigningKey(),
  };
}

/** An opaque API key of Supabase's new kind. */
export function createApiKey(kind: "publishable" | "secret"): string {
  return `sb_${kind}_${randomBytes(17).toString("base64url").slice(0, 22)}_${
    randomBytes(6).toString("base64url").slice(0, 8)
  }`;
}

/** A JSON Web Token of these claims. */
export function signToken(claims: object, key: SigningKey): string {
  const content = [{ alg: "HS256", typ: "JWT", kid: key.kid }, claims].map(encode).join(".");
  return `${content}.${signatureOf(content, key)}`;
}

/** Whether a token was signed with this key. The caller checks the time of the token. */
export function verifyToken(token: string, key: SigningKey): boolean {
  const end = token.lastIndexOf(".");
  const given = Buffer.from(token.slice(end + 1));
  const expected = Buffer.from(signatureOf(token.slice(0, end), key));
  return given.length === expected.length && timingSafeEqual(given, expected);
}

function signatureOf(content: string, key: SigningKey): string {
  return createHmac("sha256", key.secret).update(content).digest("base64url");
}

/** The claims of a token, unverified. */
export function readClaims(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
}

/** The public description of the key, as the value of `SUPABASE_JWKS`. */
export function toJwks(key: SigningKey): string {
  const secret = Buffer.from(key.secret).toString("base64url");
  return JSON.stringify({ keys: [{ kty: "oct", alg: "HS256", kid: key.kid, k: secret }] });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
