// Any client with the publishable key may send thousands of settings: they cost no more time than a few.
import assert from "node:assert/strict";
import { z } from "zod";
import { KLING, useWorld } from "../support/harness.ts";
import { assertRefusedFreely } from "../support/refusal.ts";

const world = useWorld();

const settingsOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`setting_${n}`, n]));

async function quote(p_settings: unknown): Promise<{ text: string; milliseconds: number }> {
  const begin = performance.now();
  const response = await fetch(`${world.url}/rest/v1/rpc/quote_generation`, {
    method: "POST",
    headers: { apikey: world.publishableKey, "Content-Type": "application/json" },
    body: JSON.stringify({ p_model_id: KLING, p_settings }),
  });
  return { text: await response.text(), milliseconds: performance.now() - begin };
}

/** The best of several: other work on the machine must not fail a test. */
async function fastest(settings: unknown): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < 5; count++) times.push((await quote(settings)).milliseconds);
  return Math.min(...times);
}

Deno.test("the price of 8,000 unknown settings is refused about as fast as that of 40", async () => {
  const { text } = await quote(settingsOf(8000));
  assert.match(text, /must have at most 40 settings/);
  assert.ok(text.length < 1000, `${text.length} characters`);
  const [few, many] = [await fastest(settingsOf(40)), await fastest(settingsOf(8000))];
  assert.ok(many < 10 * few + 50, `${many} ms, and ${few} ms for 40`);
});

Deno.test("each unknown setting is named, and the model's settings are listed once", async () => {
  const { text } = await quote(settingsOf(40));
  assert.equal(text.match(/not a setting of this model/g)?.length, 40);
  assert.equal(text.match(/which takes: /g)?.length, 1);
});

Deno.test("a request with more than 40 settings is refused before the database is asked", async () => {
  const user = await world.newUser(20);
  const issues = z.object({ issues: z.array(z.object({ path: z.string(), message: z.string() })) });
  for (const count of [41, 3000]) {
    const body = { model_id: KLING, prompt: "A lighthouse", settings: settingsOf(count) };
    world.gateway.clearCalls();
    const answer = await world.generate(user, { body });
    assert.deepEqual(issues.parse(answer.body).issues, [{
      path: "settings",
      message: "must have at most 40 settings",
    }]);
    assert.deepEqual(world.gateway.calls.filter(({ path }) => path.startsWith("/rest/")), []);
    await assertRefusedFreely(world, user, { body }, { status: 400, code: "validation_failed" });
  }
});
