// The two images of a transition may be files that its user has uploaded.
import assert from "node:assert/strict";
import { download, INSTANT } from "../support/generation.ts";
import { type TestUser, useWorld } from "../support/harness.ts";
import { png } from "../support/images.ts";
import { assertDelivered, PLAIN, postTransition, startTransition } from "../support/transition.ts";

const world = useWorld({ falSimulator: INSTANT });

async function upload(user: TestUser, content: string): Promise<string> {
  const { body } = await world.call("uploads", { user, body: { content_type: "image/png" } });
  const headers = { "Content-Type": "image/png" };
  const put = await fetch(String(body.upload_url), { method: "PUT", body: png(content), headers });
  await put.body?.cancel();
  return String(body.image_path);
}

Deno.test("two uploaded images are given to the provider by addresses that work for it", async () => {
  const user = await world.newUser();
  const body = {
    prompt: "From one to the other",
    duration: 16,
    front_image_path: await upload(user, "the front"),
    tail_image_path: await upload(user, "the tail"),
  };
  const transition = await startTransition(world, { user, body });
  await assertDelivered(world, transition, await transition.outcome(), 16);
  const [first, second] = transition.runsOf("generate").map(({ input }) => input);
  assert.deepEqual(await download(first?.start_image_url), png("the front"));
  assert.deepEqual(await download(second?.end_image_url), png("the tail"));
});

Deno.test("neither image may be one that was never uploaded, or HTML: nothing is charged", async () => {
  const user = await world.newUser();
  const { front_image, tail_image, ...rest } = PLAIN;
  const { body: unused } = await world.call("uploads", { user, body: { content_type: "image/png" } });
  const wrong = await upload(user, "the front");
  await world.sql`update private.uploads set content_type = 'image/gif' where path = ${wrong}`;
  for (const [path, code] of [[unused.image_path, "input_missing"], [wrong, "input_refused"]]) {
    for (
      const body of [{ ...rest, tail_image, front_image_path: path }, { ...rest, front_image, tail_image_path: path }]
    ) {
      const answer = await postTransition(world, user, body);
      assert.deepEqual([answer.status, answer.body.code], [422, code]);
    }
  }
  assert.equal(await world.balance(user), 100);
  await world.audit();
});

Deno.test("another user's upload is refused for either image", async () => {
  const user = await world.newUser();
  const theirs = await upload(await world.newUser(), "theirs");
  const { front_image, tail_image, ...rest } = PLAIN;
  for (
    const body of [{ ...rest, tail_image, front_image_path: theirs }, { ...rest, front_image, tail_image_path: theirs }]
  ) {
    const answer = await postTransition(world, user, body);
    assert.deepEqual([answer.status, answer.body.code], [400, "validation_failed"]);
  }
  assert.equal(await world.balance(user), 100);
});
