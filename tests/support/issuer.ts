import { exportJWK, generateKeyPair, type JWK, SignJWT } from "jose";

export type Algorithm = "RS256" | "ES256";

interface Key {
  kid: string;
  algorithm: Algorithm;
  privateKey: CryptoKey;
  publicKey: CryptoKey;
}

/** How a token is made that is not as usual. */
export interface TokenOptions {
  algorithm?: Algorithm;
  /** The name of the key that the token claims; by default that of the key that signs. */
  kid?: string;
}

/** An identity provider on this machine: real keys, OpenID Connect Discovery and a key set. */
export interface Issuer {
  url: string;
  /** How often each path was asked for. */
  asked: Map<string, number>;
  /** Answers every request with this status until it is null again. */
  failWith: number | null;
  /** A token of this subject, valid for a minute; a claim that is undefined is left out. */
  token(subject: string, claims?: Record<string, unknown>, options?: TokenOptions): Promise<string>;
  /** The public key of an algorithm, as everybody can read it. */
  publicKey(algorithm: Algorithm): Promise<JWK>;
  stop(): Promise<void>;
}

/** Starts an identity provider, whose key set has a key of each algorithm. */
export async function startIssuer(): Promise<Issuer> {
  const keys = await Promise.all((["RS256", "ES256"] as const).map(createKey));
  const keyOf = (wanted: Algorithm) => {
    const key = keys.find(({ algorithm }) => algorithm === wanted);
    if (key === undefined) throw new Error(`There is no key for ${wanted}`);
    return key;
  };
  const asked = new Map<string, number>();
  const state = { failWith: null as number | null };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, origin } = new URL(request.url);
    asked.set(pathname, (asked.get(pathname) ?? 0) + 1);
    if (state.failWith !== null) return new Response("down", { status: state.failWith });
    if (pathname === "/.well-known/openid-configuration") {
      return Response.json({ issuer: origin, jwks_uri: `${origin}/keys` });
    }
    return pathname === "/keys"
      ? Response.json({ keys: await Promise.all(keys.map(toPublicJwk)) })
      : new Response("", { status: 404 });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  return Object.assign(state, {
    url,
    asked,
    async token(subject: string, claims: Record<string, unknown> = {}, options: TokenOptions = {}) {
      const key = keyOf(options.algorithm ?? "RS256");
      const now = Math.floor(Date.now() / 1000);
      const all = { iss: url, sub: subject, role: "authenticated", iat: now, nbf: now, exp: now + 60, ...claims };
      return await new SignJWT(all).setProtectedHeader({ alg: key.algorithm, kid: options.kid ?? key.kid })
        .sign(key.privateKey);
    },
    publicKey: (algorithm: Algorithm) => toPublicJwk(keyOf(algorithm)),
    stop: () => server.shutdown(),
  });
}

async function createKey(algorithm: Algorithm): Promise<Key> {
  return { kid: crypto.randomUUID(), algorithm, ...await generateKeyPair(algorithm, { extractable: true }) };
}

async function toPublicJwk({ kid, algorithm, publicKey }: Key): Promise<JWK> {
  return { ...await exportJWK(publicKey), kid, alg: algorithm, use: "sig" };
}
