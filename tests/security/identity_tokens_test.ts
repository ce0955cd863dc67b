// Which tokens of other identity providers are believed: docs/identity.md.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { signToken } from "../../local/supabase/tokens.ts";
import { INSTANT } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";
import { callDataApi, newIdentity, newSubject, readAccount } from "../support/identities.ts";
import { startIssuer } from "../support/issuer.ts";
import { assertRefusal, GOOD_BODY } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const issuer = await startIssuer();
const stranger = await startIssuer();
const THIRD_PARTY = { THIRD_PARTY_ISSUERS: issuer.url, THIRD_PARTY_AUDIENCES: "" };
const world = useWorld({ falSimulator: INSTANT, functionsEnvironment: THIRD_PARTY });
Deno.test.afterAll(async () => {
  await issuer.stop();
  await stranger.stop();
});

const UNAUTHORIZED = { status: 401, code: "unauthorized", error: "Unauthorized" };

async function restarted(variables: Record<string, string>, work: () => Promise<void>): Promise<void> {
  await world.functions.restart(variables);
  try {
    await work();
  } finally {
    issuer.failWith = null;
    await world.functions.restart(THIRD_PARTY);
  }
}

const seconds = () => Math.floor(Date.now() / 1000);

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Tokens that name a good subject and must not be believed. */
async function badTokens(subject: string): Promise<Record<string, string>> {
  const { kid, n = "" } = await issuer.publicKey("RS256");
  const claims = { iss: issuer.url, sub: subject, role: "authenticated", exp: seconds() + 60 };
  const confused = signToken(claims, { kid: String(kid), secret: n });
  return {
    "of an issuer that is not configured": await stranger.token(subject),
    "that a stranger signed in the issuer's name": await stranger.token(subject, { iss: issuer.url }),
    "that a stranger signed under the name of the issuer's key": await stranger.token(subject, { iss: issuer.url }, {
      kid: String(kid),
    }),
    "that has expired": await issuer.token(subject, { exp: seconds() - 10 }),
    "that is not valid yet": await issuer.token(subject, { nbf: seconds() + 60 }),
    "without an end": await issuer.token(subject, { exp: undefined }),
    "without a role": await issuer.token(subject, { role: undefined }),
    "of the service role": await issuer.token(subject, { role: "service_role" }),
    "of Supabase Auth by its name alone": await issuer.token(subject, { iss: `${world.url}/auth/v1` }),
    "with alg none": `${encode({ alg: "none", kid })}.${encode(claims)}.`,
    "with HS256 and the public key": confused,
    "with the project's own key in the issuer's name": signToken(claims, world.signingKey),
    "with another payload under its signature": (await issuer.token(newSubject())).replace(
      /\.[^.]+\./,
      `.${encode(claims)}.`,
    ),
  };
}

Deno.test("a token that is not the issuer's own is 401, by functions and the Data API, and moves nothing", async () => {
  const user = await newIdentity(world, issuer);
  await world.generate(user);
  for (const [what, token] of Object.entries(await badTokens(user.subject))) {
    const headers = { Authorization: `Bearer ${token}`, "Idempotency-Key": crypto.randomUUID() };
    const answers = await assertChangesNothing(world, async () => [
      await world.call("generate-video", { headers, body: GOOD_BODY }),
      await world.call("videos", { method: "GET", headers }),
      await world.call("account", { method: "DELETE", headers }),
    ]);
    for (const answer of answers) assertRefusal(answer, UNAUTHORIZED);
    const { status } = await callDataApi(world, token, "video_jobs");
    assert.equal(status, 401, what);
  }
});

Deno.test("forged key ids do not make the issuer be asked for its keys again and again", async () => {
  const user = await newIdentity(world, issuer);
  const before = issuer.asked.get("/keys") ?? 0;
  const forged = await Promise.all(
    Array.from({ length: 50 }, () => issuer.token(user.subject, {}, { kid: crypto.randomUUID() })),
  );
  const answers = await Promise.all(forged.map((token) => readAccount(world, token)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]));
  // Once in ten seconds, in which fifty requests are answered on any machine but a very slow one.
  assert.ok((issuer.asked.get("/keys") ?? 0) - before <= 2);
  assert.equal((await readAccount(world, user.token)).status, 200);
});

Deno.test("a token of a random form is 401 and moves nothing", async () => {
  const claims = fc.dictionary(
    fc.constantFrom("sub", "role", "exp", "aud", "azp", "email", "nbf", "iat"),
    fc.jsonValue(),
  );
  const token = fc.tuple(fc.oneof(fc.object(), fc.constant({ alg: "RS256" })), claims, fc.base64String()).map(
    ([header, payload, signature]) => `${encode(header)}.${encode({ ...payload, iss: issuer.url })}.${signature}`,
  );
  await assertChangesNothing(world, () =>
    fc.assert(
      fc.asyncProperty(token, async (text) => assertRefusal(await readAccount(world, text), UNAUTHORIZED)),
      { numRuns: 100 },
    ));
});

Deno.test("where audiences are configured, a token for another app is 401", async () => {
  await restarted({ THIRD_PARTY_AUDIENCES: "https://app.example" }, async () => {
    const subject = newSubject();
    assertRefusal(
      await readAccount(world, await issuer.token(subject, { azp: "https://other.example" })),
      UNAUTHORIZED,
    );
    assertRefusal(await readAccount(world, await issuer.token(subject)), UNAUTHORIZED);
    assert.equal((await readAccount(world, await issuer.token(subject, { azp: "https://app.example" }))).status, 200);
  });
});

Deno.test("without configuration a token of another provider is 401 and makes no user", async () => {
  await restarted({ THIRD_PARTY_ISSUERS: "" }, async () => {
    const token = await issuer.token(newSubject());
    assertRefusal(await assertChangesNothing(world, () => readAccount(world, token)), UNAUTHORIZED);
    assert.equal((await world.generate(await world.newUser())).status, 200);
  });
});

Deno.test("while the issuer's keys cannot be fetched its users get 503, the operator an alert, and others notice nothing", async () => {
  const token = await issuer.token(newSubject());
  await restarted({}, async () => {
    issuer.failWith = 500;
    const refusal = { status: 503, code: "unavailable", headers: { "Retry-After": "10" } };
    assertRefusal(await assertChangesNothing(world, () => readAccount(world, token)), refusal);
    assert.equal((await world.generate(await world.newUser())).status, 200);
    const alerts = world.functions.log.map((line) => JSON.parse(line)).filter(({ level }) => level === "alert");
    assert.deepEqual(alerts.map(({ event, issuer }) => [event, issuer]), [["issuer_unreachable", issuer.url]]);
  });
  assert.equal((await readAccount(world, token)).status, 200);
});

for (const wrong of ["http://id.example", "id.example", "https://ref.supabase.co/auth/v1", "https://id.example?x=1"]) {
  Deno.test(`${wrong} is no issuer: a wrong configuration`, async () => {
    await restarted({ THIRD_PARTY_ISSUERS: wrong }, async () => {
      const health = await world.call("health", { method: "GET" });
      assert.equal(health.status, 503);
      assert.match(String(health.body.configuration), /THIRD_PARTY_ISSUERS/);
    });
  });
}
