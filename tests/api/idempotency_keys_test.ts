// The Idempotency-Key of POST /generate-video: its form, its replays, and its use for another request.
import assert from "node:assert/strict";
import { KLING_IMAGE, useWorld } from "../support/harness.ts";
import {
  assertCommonHeaders,
  assertKeyIsFree,
  assertRefusal,
  GOOD_BODY,
  postRaw,
  type Refusal,
} from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld();

const KEY_REQUIRED = { status: 400, code: "idempotency_key_required", error: "Idempotency-Key header required" };
const KEY_INVALID = { status: 400, code: "idempotency_key_invalid" };
const KEY_REUSED: Refusal = { status: 422, code: "idempotency_key_reused" };
const IMAGE = "https://example.com/lighthouse.png";

Deno.test("a request without a key is 400", async () => {
  const user = await world.newUser(20);
  const answer = await assertChangesNothing(world, () => world.call("generate-video", { user, body: GOOD_BODY }));
  assertRefusal(answer, KEY_REQUIRED);
});

Deno.test("a key that is not 1 to 255 visible ASCII characters is 400", async () => {
  const user = await world.newUser(20);
  const keys = ["", "   ", '""', "two words", "a\tb", "k".repeat(256), `"${"k".repeat(256)}"`, "clé"];
  for (const key of keys) {
    assertRefusal(await assertChangesNothing(world, () => world.generate(user, { key })), KEY_INVALID);
  }
  const twice = new Headers({ Authorization: `Bearer ${user.token}` });
  for (const key of ["first", "second"]) twice.append("Idempotency-Key", key);
  assertRefusal(await postRaw(world, JSON.stringify(GOOD_BODY), twice), KEY_INVALID);
});

Deno.test("a key is any text of up to 255 visible ASCII characters, not only a UUID", async () => {
  const user = await world.newUser(100);
  for (const key of ["k", "k".repeat(255), "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "order:42/ü".replace("ü", "u")]) {
    await assertKeyIsFree(world, user, key);
  }
});

Deno.test("one pair of quotes around a key is no part of it, a second one is", async () => {
  const user = await world.newUser(20);
  const plain = await world.generate(user, { key: "abc" });
  const quoted = await world.generate(user, { key: '"abc"' });
  const twiceQuoted = await world.generate(user, { key: '""abc""' });
  assert.equal(quoted.headers.get("x-idempotent-replay"), "true");
  assert.deepEqual(quoted.body, plain.body);
  assert.notEqual(twiceQuoted.body.job_id, plain.body.job_id);
  assert.equal(await world.balance(user), 10);
});

Deno.test("a key that was used for another request is 422, and stays bound to the first", async () => {
  const user = await world.newUser(100);
  const key = crypto.randomUUID();
  const first = await world.generate(user, { key, body: GOOD_BODY });
  const others = [
    { prompt: "Another lighthouse" },
    { prompt: GOOD_BODY.prompt.toUpperCase() },
    { settings: { duration: 5 } },
    { node_id: "node-1" },
    { model_id: KLING_IMAGE, image_url: IMAGE },
    { model_id: crypto.randomUUID() },
  ];
  for (const other of others) {
    const body = { ...GOOD_BODY, ...other };
    const answer = await assertChangesNothing(world, () => world.generate(user, { key, body }));
    assertRefusal(answer, KEY_REUSED);
    await assertKeyIsFree(world, user, crypto.randomUUID());
  }
  assert.deepEqual((await world.generate(user, { key, body: GOOD_BODY })).body, first.body);
});

Deno.test("a key that was used for another image is 422", async () => {
  const user = await world.newUser(100);
  const key = crypto.randomUUID();
  const body = { ...GOOD_BODY, model_id: KLING_IMAGE, image_url: IMAGE };
  assert.equal((await world.generate(user, { key, body })).status, 200);
  assertRefusal(await world.generate(user, { key, body: { ...body, image_url: `${IMAGE}?another` } }), KEY_REUSED);
});

Deno.test("a key that was refused as reused by one user is another user's own", async () => {
  const [first, second] = await Promise.all([world.newUser(20), world.newUser(20)]);
  const key = crypto.randomUUID();
  await assertKeyIsFree(world, first, key);
  await assertKeyIsFree(world, second, key);
});

Deno.test("the same request written in another way is replayed word for word", async () => {
  const user = await world.newUser(20);
  const key = crypto.randomUUID();
  const { model_id: model, prompt } = GOOD_BODY;
  const first = await world.generate(user, { key, body: { ...GOOD_BODY, settings: { fps: 30, duration: 5 } } });
  assert.equal(first.status, 200);
  const rewritten = [
    `{"settings":{"duration":5,"fps":30},"prompt":"${prompt}","model_id":"${model}"}`,
    `{ "prompt" : " ${prompt} ",\n "model_id" : "${model.toUpperCase()}", "settings" : { "fps" : 30.0, "duration" : 5e0 } }`,
    `{"model_id":"${model}","prompt":"\\u0041${prompt.slice(1)}","settings":{"fps":30,"duration":5},"node_id":null}`,
    `{"model_id":"${model}","prompt":"${prompt}","settings":{"fps":30,"duration":5},"user_id":"${user.id}"}`,
  ];
  for (const body of rewritten) {
    const replay = await assertChangesNothing(world, () => world.generate(user, { key, body }));
    assert.equal(replay.headers.get("x-idempotent-replay"), "true", body);
    assertCommonHeaders(replay.headers);
    assert.deepEqual([replay.status, replay.body], [first.status, first.body]);
  }
});
