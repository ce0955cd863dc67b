import assert from "node:assert/strict";
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { IssuerUnreachable } from "./third-party-keys.ts";
import { isSupabaseIssuer } from "./supabase-issuer.ts";
import { provenEmail, type ThirdPartyClaims, ThirdPartyTokens } from "./third-party-tokens.ts";

const ISSUER = "https://id.example";
const DISCOVERY = `${ISSUER}/.well-known/openid-configuration`;
const KEYS = `${ISSUER}/oauth/keys`;
const SECOND = 1000;

const keyPairs = { RS256: await generateKeyPair("RS256"), ES256: await generateKeyPair("ES256") };
type Algorithm = keyof typeof keyPairs;

/** An issuer behind a false fetch, and our part at a false time. */
function newIssuer(config: { issuer?: string; audiences?: string[]; discovery?: Record<string, unknown> } = {}) {
  const issuer = config.issuer ?? ISSUER;
  const state = {
    now: Date.now(),
    fetched: [] as string[],
    kid: "first",
    isDown: false,
  };
  async function answer(url: string): Promise<Response> {
    if (state.isDown) return new Response("", { status: 500 });
    if (url === KEYS) {
      const keys = await Promise.all(
        Object.entries(keyPairs).map(async ([alg, { publicKey }]) => ({
          ...await exportJWK(publicKey),
          kid: `${state.kid}-${alg}`,
        })),
      );
      return Response.json({ keys });
    }
    return Response.json({ issuer, jwks_uri: KEYS, ...config.discovery });
  }
  const tokens = new ThirdPartyTokens({
    issuers: [issuer],
    audiences: config.audiences,
    now: () => state.now,
    fetch: async (input) => {
      state.fetched.push(String(input));
      return await answer(String(input));
    },
  });
  async function sign(claims: Record<string, unknown> = {}, { alg = "RS256" as Algorithm, kid = state.kid } = {}) {
    const now = Math.floor(state.now / SECOND);
    return await new SignJWT({ iss: issuer, sub: "user_1", role: "authenticated", exp: now + 60, ...claims })
      .setProtectedHeader({ alg, kid: `${kid}-${alg}` }).sign(keyPairs[alg].privateKey);
  }
  const subjectOf = async (token: string) => {
    const verified = await tokens.verify(token);
    return "claims" in verified ? verified.claims.sub : null;
  };
  return { tokens, state, sign, subjectOf };
}

for (const alg of ["RS256", "ES256"] as const) {
  Deno.test(`a token with ${alg} is verified by a key that discovery leads to, and the keys are fetched once`, async () => {
    const { sign, subjectOf, state } = newIssuer();
    for (let times = 0; times < 3; times++) assert.equal(await subjectOf(await sign({}, { alg })), "user_1");
    assert.deepEqual(state.fetched, [DISCOVERY, KEYS]);
  });
}

Deno.test("first tokens that come at once wait for one fetch", async () => {
  const { sign, subjectOf, state } = newIssuer();
  const tokens = await Promise.all(Array.from({ length: 20 }, () => sign()));
  assert.deepEqual(new Set(await Promise.all(tokens.map(subjectOf))), new Set(["user_1"]));
  assert.equal(state.fetched.length, 2);
});

Deno.test("an issuer with a slash at its end is found as well", async () => {
  const { sign, subjectOf, state } = newIssuer({ issuer: `${ISSUER}/` });
  assert.equal(await subjectOf(await sign()), "user_1");
  assert.equal(state.fetched[0], DISCOVERY);
});

Deno.test("a new key of the issuer is fetched when it is first seen", async () => {
  const { sign, subjectOf, state } = newIssuer();
  await subjectOf(await sign());
  state.kid = "second";
  state.now += 11 * SECOND;
  assert.equal(await subjectOf(await sign()), "user_1");
});

Deno.test("a thousand forged key ids lead to one fetch in ten seconds", async () => {
  const { sign, subjectOf, state } = newIssuer();
  await subjectOf(await sign());
  state.fetched.length = 0;
  for (let seconds = 0; seconds < 2; seconds++) {
    state.now += 10 * SECOND;
    const forged = await Promise.all(
      Array.from({ length: 500 }, (_, index) => sign({}, { kid: `forged ${index}`, alg: "ES256" })),
    );
    for (const token of forged.slice(0, 250)) assert.equal(await subjectOf(token), null);
    assert.deepEqual(new Set(await Promise.all(forged.slice(250).map(subjectOf))), new Set([null]));
    assert.equal(state.fetched.length, 2 * (seconds + 1));
  }
  assert.equal(await subjectOf(await sign()), "user_1");
});

Deno.test("while an issuer cannot be reached it is asked once in ten seconds, and its tokens are not refused for good", async () => {
  const { sign, tokens, subjectOf, state } = newIssuer();
  state.isDown = true;
  const token = await sign({ exp: Math.floor(state.now / SECOND) + 3600 });
  for (let times = 0; times < 50; times++) await assert.rejects(tokens.verify(token), IssuerUnreachable);
  assert.equal(state.fetched.length, 1);
  state.isDown = false;
  await assert.rejects(tokens.verify(token), IssuerUnreachable);
  state.now += 10 * SECOND;
  assert.equal(await subjectOf(token), "user_1");
});

Deno.test("an issuer that goes down later shuts nobody out", async () => {
  const { sign, subjectOf, state } = newIssuer();
  await subjectOf(await sign());
  state.isDown = true;
  state.now += 3600 * SECOND;
  assert.equal(await subjectOf(await sign()), "user_1");
});

Deno.test("a key that the issuer has withdrawn is not accepted after ten minutes", async () => {
  const { sign, subjectOf, state } = newIssuer();
  await subjectOf(await sign());
  state.kid = "second";
  assert.equal(await subjectOf(await sign({}, { kid: "first" })), "user_1");
  state.now += 601 * SECOND;
  assert.equal(await subjectOf(await sign({}, { kid: "first" })), null);
});

Deno.test("a token that another configured issuer has signed is refused, whichever key it names", async () => {
  const OTHER = "https://else.example";
  const keys = await generateKeyPair("ES256");
  const tokens = new ThirdPartyTokens({
    issuers: [ISSUER, OTHER],
    fetch: async (input) => {
      const { origin, pathname } = new URL(String(input));
      if (pathname !== "/keys") return Response.json({ issuer: origin, jwks_uri: `${origin}/keys` });
      const { publicKey } = origin === OTHER ? keys : keyPairs.ES256;
      return Response.json({ keys: [{ ...await exportJWK(publicKey), kid: origin }] });
    },
  });
  const sign = async (iss: string, kid: string) =>
    await new SignJWT({ iss, sub: "user_1", role: "authenticated", exp: seconds() + 60 })
      .setProtectedHeader({ alg: "ES256", kid }).sign(keys.privateKey);
  assert.ok("claims" in await tokens.verify(await sign(OTHER, OTHER)));
  for (const kid of [ISSUER, OTHER]) assert.ok("refused" in await tokens.verify(await sign(ISSUER, kid)), kid);
});

for (
  const [what, discovery] of [
    ["names another issuer", { issuer: "https://else.example" }],
    ["has its keys without https", { jwks_uri: "http://id.example/keys" }],
    ["has no keys", { jwks_uri: undefined }],
    ["has its keys on this machine", { jwks_uri: "https://localhost/keys" }],
    ["has its keys in a private network", { jwks_uri: "https://169.254.169.254/keys" }],
  ] as const
) {
  Deno.test(`an issuer whose discovery ${what} is not believed`, async () => {
    const { sign, tokens, state } = newIssuer({ discovery });
    await assert.rejects(tokens.verify(await sign()), IssuerUnreachable);
    assert.deepEqual(state.fetched, [DISCOVERY]);
  });
}

const seconds = () => Math.floor(Date.now() / SECOND);
const REFUSED: [what: string, claims: () => Record<string, unknown>][] = [
  ["that has expired", () => ({ exp: seconds() - 6 })],
  ["that is not valid yet", () => ({ nbf: seconds() + 60 })],
  ["without an end", () => ({ exp: undefined })],
  ["of another issuer", () => ({ iss: "https://else.example" })],
  ["without an issuer", () => ({ iss: undefined })],
  ["of our issuer among others", () => ({ iss: [ISSUER] })],
  ["without a subject", () => ({ sub: undefined })],
  ["with an empty subject", () => ({ sub: "" })],
  ["with a subject that is no text", () => ({ sub: 7 })],
  ["with an endless subject", () => ({ sub: "x".repeat(256) })],
  ["with an endless subject of emojis", () => ({ sub: "🎬".repeat(256) })],
  ["with a subject of several lines", () => ({ sub: "user\n1" })],
  ["with a subject that is shown backwards", () => ({ sub: "user\u202e1" })],
  ["with a subject that Postgres cannot hold", () => ({ sub: "user\0" })],
  ["with a subject that is half an emoji", () => ({ sub: "\ud83d" })],
  ["without a role", () => ({ role: undefined })],
  ["of the service role", () => ({ role: "service_role" })],
  ["of a visitor", () => ({ role: "anon" })],
  ["of a list of roles", () => ({ role: ["authenticated"] })],
];
for (const [what, claims] of REFUSED) {
  Deno.test(`a token ${what} is refused`, async () => {
    const { sign, subjectOf } = newIssuer();
    assert.equal(await subjectOf(await sign(claims())), null);
  });
}

Deno.test("where audiences are configured a token must have one, as aud or azp", async () => {
  const { sign, subjectOf } = newIssuer({ audiences: ["our-api", "https://app.example"] });
  for (const claims of [{ aud: "our-api" }, { aud: ["x", "our-api"] }, { azp: "https://app.example" }]) {
    assert.equal(await subjectOf(await sign(claims)), "user_1");
  }
  for (
    const claims of [{}, { aud: "their-api" }, { aud: [] }, { azp: "https://app.example.evil" }, { aud: "x", azp: 7 }]
  ) {
    assert.equal(await subjectOf(await sign(claims)), null, JSON.stringify(claims));
  }
});

Deno.test("a token that is signed by another key under a known name is refused", async () => {
  const { state, subjectOf } = newIssuer();
  const { privateKey } = await generateKeyPair("ES256");
  const token = await new SignJWT({ iss: ISSUER, sub: "user_1", role: "authenticated", exp: seconds() + 60 })
    .setProtectedHeader({ alg: "ES256", kid: `${state.kid}-ES256` }).sign(privateKey);
  assert.equal(await subjectOf(token), null);
});

for (const alg of ["none", "HS256"]) {
  Deno.test(`a token with ${alg} is refused, also with the public key as its secret`, async () => {
    const { sign, subjectOf } = newIssuer();
    const [, payload = ""] = (await sign()).split(".");
    const { n = "" } = await exportJWK(keyPairs.RS256.publicKey);
    const text = new TextEncoder();
    const header = base64url.encode(JSON.stringify({ alg, kid: "first-RS256" }));
    const pem = await exportSPKI(keyPairs.RS256.publicKey);
    for (const secret of [text.encode(n), text.encode(pem), base64url.decode(n)]) {
      const key = await crypto.subtle.importKey(
        "raw",
        Uint8Array.from(secret),
        { name: "HMAC", hash: "SHA-256" },
        false,
        ["sign"],
      );
      const mac = await crypto.subtle.sign("HMAC", key, text.encode(`${header}.${payload}`));
      const signature = alg === "none" ? "" : base64url.encode(new Uint8Array(mac));
      assert.equal(await subjectOf(`${header}.${payload}.${signature}`), null);
    }
  });
}

Deno.test("only a confirmed address is proven", () => {
  const emailOf = (claims: Record<string, unknown>) =>
    provenEmail({ iss: ISSUER, sub: "x", exp: 1, role: "authenticated", ...claims } satisfies ThirdPartyClaims);
  assert.equal(emailOf({ email: "ann@example.com", email_verified: true }), "ann@example.com");
  assert.equal(emailOf({ email: "ann@example.com", email_verified: "true" }), "ann@example.com");
  for (
    const claims of [
      {},
      { email: "ann@example.com" },
      { email: "ann@example.com", email_verified: false },
      { email: "ann@example.com", email_verified: "false" },
      { email: "ann@example.com", email_verified: 1 },
      { email: "", email_verified: true },
      { email: "ann@example.com", email_verified: true, is_anonymous: true },
      { email: ["ann@example.com"], email_verified: true },
      { email: "ann\0@example.com", email_verified: true },
      { email: `${"x".repeat(320)}@example.com`, email_verified: true },
    ]
  ) assert.equal(emailOf(claims), null, JSON.stringify(claims));
});

Deno.test("Supabase Auth is known by the end of its address", () => {
  for (const iss of [undefined, "https://ref.supabase.co/auth/v1", "http://127.0.0.1:54321/auth/v1"]) {
    assert.equal(isSupabaseIssuer(iss), true, iss);
  }
  for (
    const iss of ["", ISSUER, "https://evil.example/auth/v1/x", "https://evil.example/?/auth/v1/", ["/auth/v1"], 7]
  ) {
    assert.equal(isSupabaseIssuer(iss), false, String(iss));
  }
});
