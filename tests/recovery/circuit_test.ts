// A circuit opens when its provider fails. No user can open it, or keep it open, by their requests.
import assert from "node:assert/strict";
import { INSTANT, simulatorOf } from "../support/generation.ts";
import { KLING, KLING_IMAGE, type TestUser, useWorld, VEO } from "../support/harness.ts";
import { png } from "../support/images.ts";

const world = useWorld({ falSimulator: INSTANT });

const OPEN_SECONDS = 30;

/** Opens the circuit of fal, and lets its time pass: the next request that reaches fal is the probe. */
async function awaitProbe(): Promise<void> {
  await world.sql`select record_provider_answer('fal', 'account_refused', gen_random_uuid())`;
  await world.travel(OPEN_SECONDS + 1);
}

async function isOpen(): Promise<boolean> {
  const circuits = await world.sql`select from private.provider_circuits where open_until is not null`;
  return circuits.length > 0;
}

const ATTACKS: Record<string, (attacker: TestUser) => Promise<unknown>> = {
  async "requests beyond the month's quota"(attacker) {
    await world.sql`update app_settings set seconds_per_month = 5`;
    const body = { model_id: KLING, prompt: "A lighthouse", settings: { duration: 6 } };
    const { status, body: { code } } = await world.generate(attacker, { body });
    assert.deepEqual([status, code], [429, "monthly_quota_reached"]);
    await world.sql`update app_settings set seconds_per_month = null`;
  },
  async "images that were never uploaded"(attacker) {
    const image_path = `${attacker.id}/${crypto.randomUUID()}.png`;
    const body = { model_id: KLING_IMAGE, prompt: "A lighthouse", image_path };
    assert.notEqual((await world.generate(attacker, { body })).status, 200);
  },
  async "a price that was not agreed to"(attacker) {
    const body = { model_id: KLING, prompt: "A lighthouse", max_credits: 1 };
    assert.equal((await world.generate(attacker, { body })).status, 409);
  },
  async "videos that cost more than there is"(attacker) {
    const body = { model_id: KLING, prompt: "A lighthouse", settings: { duration: 15 } };
    assert.equal((await world.generate(attacker, { body })).status, 402);
  },
};

for (const [what, attack] of Object.entries(ATTACKS)) {
  Deno.test(`a user cannot keep a provider's circuit open with ${what}`, async () => {
    const [attacker, bystander] = [await world.newUser(14), await world.newUser()];
    await awaitProbe();
    for (let count = 0; count < 3; count++) await attack(attacker);
    const { status, body } = await world.generate(bystander);
    assert.equal(status, 200, JSON.stringify(body));
    assert.equal(await isOpen(), false);
    await world.audit();
  });
}

Deno.test("a Storage that cannot be read gives the probe back", async () => {
  const [unlucky, bystander] = [await world.newUser(), await world.newUser()];
  const { body: upload } = await world.call("uploads", { user: unlucky, body: { content_type: "image/png" } });
  const headers = { "Content-Type": "image/png" };
  await (await fetch(String(upload.upload_url), { method: "PUT", headers, body: png() })).body?.cancel();
  const ask = () => {
    const body = { model_id: KLING_IMAGE, prompt: "A boat", image_path: upload.image_path };
    return world.generate(unlucky, { body });
  };
  assert.equal((await ask()).status, 200);

  await awaitProbe();
  world.gateway.fail("/storage/v1/object/sign", 503);
  const { status, body } = await ask();
  world.gateway.clearFaults();
  assert.deepEqual([status, body.error_code], [500, "input_unavailable"]);
  assert.equal((await world.generate(bystander)).status, 200);
  await world.audit();
});

Deno.test("a model that the provider no longer has closes the circuit: the provider answered", async () => {
  const [unlucky, bystander] = [await world.newUser(), await world.newUser()];
  await world.sql`update models set provider_model_id = 'fal-ai/gone' where id = ${VEO}`;
  await awaitProbe();
  const { status, body } = await world.generate(unlucky, { body: { model_id: VEO, prompt: "A boat" } });
  await world.sql`update models set provider_model_id = 'fal-ai/veo3.1' where id = ${VEO}`;
  assert.deepEqual([status, body.code], [500, "provider_failed"]);
  assert.equal(await isOpen(), false);
  assert.equal((await world.generate(bystander)).status, 200);
  await world.audit();
});

Deno.test("a 403 about one request refuses that request alone, and a locked account opens the circuit", async () => {
  const [unlucky, bystander] = [await world.newUser(), await world.newUser()];
  simulatorOf(world).script("A forbidden boat", { submit: "403" });
  simulatorOf(world).script("A locked boat", { submit: "locked" });
  const ask = (user: TestUser, prompt: string) => world.generate(user, { body: { model_id: KLING, prompt } });
  const balance = await world.balance(unlucky);
  for (let count = 0; count < 3; count++) {
    const { status, body } = await ask(unlucky, "A forbidden boat");
    assert.deepEqual([status, body.error_code], [500, "provider_unauthorized"]);
    assert.equal(await isOpen(), false);
  }
  assert.equal(await world.balance(unlucky), balance);
  assert.equal((await ask(bystander, "A boat")).status, 200);

  assert.equal((await ask(unlucky, "A locked boat")).body.error_code, "provider_locked");
  assert.equal((await ask(bystander, "A boat")).body.code, "provider_unavailable");
  await awaitProbe();
  await ask(unlucky, "A forbidden boat");
  assert.equal(await isOpen(), false);
  await world.audit();
});

Deno.test("a cancelled job's submission that is taken all the same closes the circuit", async () => {
  const [impatient, bystander] = [await world.newUser(), await world.newUser()];
  await awaitProbe();
  simulatorOf(world).script("A boat, slowly", { answerAfterMs: 1500 });
  const asked = world.generate(impatient, { body: { model_id: KLING, prompt: "A boat, slowly" } });
  let jobId: unknown;
  while (jobId === undefined) {
    [{ job_id: jobId } = { job_id: undefined }] = await world.sql`
      select job_id from video_jobs where user_id = ${impatient.id}`;
  }
  await world.call(`videos/${jobId}/cancel`, { user: impatient });
  await asked;
  assert.equal(await isOpen(), false);
  assert.equal((await world.generate(bystander)).status, 200);
  await world.audit();
});

Deno.test("a provider that asks for fewer requests neither opens its circuit nor closes it", async () => {
  const [busy, bystander] = [await world.newUser(), await world.newUser()];
  simulatorOf(world).script("A busy boat", { submit: "429" });
  const ask = () => world.generate(busy, { body: { model_id: KLING, prompt: "A busy boat" } });
  await world.sql`update app_settings set circuit_failures = 1`;
  try {
    for (let count = 0; count < 3; count++) assert.equal((await ask()).status, 200);
    assert.equal((await world.sql`select from private.provider_circuits`).length, 0);
    assert.equal((await world.generate(bystander)).status, 200);

    await awaitProbe();
    assert.equal((await ask()).status, 200);
    assert.equal(await isOpen(), true);
    assert.deepEqual((await world.generate(bystander)).body.code, "provider_unavailable");
  } finally {
    await world.sql`update app_settings set circuit_failures = 1000`;
  }
  await world.audit();
});
