import assert from "node:assert/strict";
import { providerKeys } from "../../local/cli/provider-keys.ts";
import { toJwks } from "../../local/supabase/tokens.ts";
import { INSTANT, simulatorOf } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";

const world = useWorld({ falSimulator: INSTANT });

/** What a project may lack, and what its log and health say then. */
const LACKING: [what: string, variables: () => Record<string, string>, message: RegExp][] = [
  ["with legacy API keys only", () => ({ SUPABASE_SECRET_KEYS: "" }), /no secret API key of the new kind/],
  ["whose keys are named nowhere", () => ({ SUPABASE_SECRET_KEYS: "{}" }), /Create the new API keys/],
  ["that signs tokens with the legacy secret", () => ({ SUPABASE_JWKS: '{"keys":[]}' }), /asymmetric signing key/],
  ["with a variable that is not valid", () => ({ SIGNED_URL_SECONDS: "soon" }), /SIGNED_URL_SECONDS/],
];

for (const [what, variables, message] of LACKING) {
  Deno.test(`a project ${what} reports it in health and in its log, and clients get a fixed sentence`, async () => {
    const user = await world.newUser();
    const right = { SUPABASE_SECRET_KEYS: JSON.stringify({ default: world.secretKey }) };
    await world.functions.restart(variables());
    try {
      const health = await world.call("health", { method: "GET" });
      assert.equal(health.status, 503);
      assert.match(String(health.body.configuration), message);
      assert.doesNotMatch(JSON.stringify(health.body), /@supabase|sb_secret_\w|soon/);
      const answers = [
        await world.generate(user),
        await world.call("videos", { method: "GET", user }),
        await world.tick(),
      ];
      for (const answer of answers) {
        assertRefusal(answer, { status: 503, code: "unavailable", headers: { "Retry-After": "60" } });
      }
      const alerts = world.functions.log.map((line) => JSON.parse(line)).filter(({ level }) => level === "alert");
      assert.equal(alerts.length, 4);
      for (const alert of alerts) {
        assert.equal(alert.event, "configuration");
        assert.match(alert.error, message);
      }
    } finally {
      await world.functions.restart({ ...right, SUPABASE_JWKS: toJwks(world.signingKey), SIGNED_URL_SECONDS: "" });
    }
    assert.equal((await world.generate(user)).status, 200);
  });
}

Deno.test("FALAI_API_KEY is used where FAL_KEY is not set", async () => {
  const user = await world.newUser();
  const { key } = simulatorOf(world);
  await world.functions.restart({ FAL_KEY: "", FALAI_API_KEY: key });
  assert.equal((await world.generate(user)).status, 200);
  await world.functions.restart({ FAL_KEY: key, FALAI_API_KEY: "another" });
  assert.equal((await world.generate(user)).status, 200);
});

Deno.test("with FALAI_API_KEY alone the local stack calls fal", () => {
  const before = Deno.env.get("FAL_KEY");
  Deno.env.set("FALAI_API_KEY", "a key");
  Deno.env.delete("FAL_KEY");
  try {
    assert.equal(providerKeys().falKey, "a key");
  } finally {
    Deno.env.delete("FALAI_API_KEY");
    if (before !== undefined) Deno.env.set("FAL_KEY", before);
  }
});
