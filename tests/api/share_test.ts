// Links to finished videos: who may make and revoke them, and when they end.
import assert from "node:assert/strict";
import fc from "fast-check";
import { download, ENDLESS, startGeneration } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import { addFiles, assertGone, deliver, linkTo, revoke, share, target } from "../support/share.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: ENDLESS });

const JOB_NOT_FOUND = { status: 404, code: "job_not_found" } as const;

Deno.test("a revoked link is 404 at once, and others of the video work until they are revoked too", async () => {
  const generation = await deliver(world);
  await addFiles(world, generation);
  const [first, second] = [await share(world, generation), await share(world, generation)];
  await download(first.body.url);
  assert.notEqual(first.body.url, second.body.url);
  const one = await revoke(world, generation, `?share_id=${first.body.share_id}`);
  assert.deepEqual([one.status, one.body], [200, { job_id: generation.jobId, revoked: 1 }]);
  await assertGone(String(first.body.url));
  await download(second.body.url);
  assert.equal((await revoke(world, generation)).body.revoked, 1);
  await assertGone(String(second.body.url));
  assert.equal((await revoke(world, generation)).body.revoked, 0);
  await download(await linkTo(world, generation));
});

Deno.test("an expired link is 404, and no signed URL that it gave works longer than it", async () => {
  const generation = await deliver(world);
  const { body } = await share(world, generation, { expires_in_seconds: 120 });
  assert.match(String(body.expires_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const token = new URL(await target(body.url)).searchParams.get("token") ?? "";
  const { iat, exp } = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
  assert.ok(exp - iat <= 120 && exp - iat > 100, `${exp - iat} seconds`);
  await world.travel(118);
  await target(body.url);
  await world.travel(2);
  await assertGone(String(body.url));
});

Deno.test("the link of a deleted video is 404", async () => {
  const generation = await deliver(world);
  const url = await linkTo(world, generation);
  await world.call("videos", { method: "DELETE", user: generation.user, body: { job_ids: [generation.jobId] } });
  await assertGone(url);
  assertRefusal(await share(world, generation), JOB_NOT_FOUND);
});

Deno.test("the link of a deleted account is 404, and its user makes no other", async () => {
  const generation = await deliver(world);
  const url = await linkTo(world, generation);
  assert.equal((await world.call("account", { method: "DELETE", user: generation.user })).status, 200);
  await assertGone(url);
  for (const answer of [await share(world, generation), await revoke(world, generation)]) {
    assertRefusal(answer, { status: 401, code: "unauthorized" });
  }
});

Deno.test("only a finished video can be shared: a job that runs or was refunded is 409", async () => {
  const running = await startGeneration(world);
  assertRefusal(await share(world, running), {
    status: 409,
    code: "not_shareable",
    fields: { job_id: running.jobId, status: "processing" },
  });
  await world.call(`videos/${running.jobId}/cancel`, { user: running.user });
  assertRefusal(await share(world, running), { status: 409, code: "not_shareable", fields: { status: "failed" } });
});

Deno.test("another user's video can be neither shared nor revoked, and without a token nothing can", async () => {
  const generation = await deliver(world);
  const url = await linkTo(world, generation);
  const stranger = { ...generation, user: await world.newUser() };
  const { jobId } = generation;
  const answers = await assertChangesNothing(world, async () => [
    await share(world, stranger),
    await revoke(world, stranger),
    await share(world, { ...stranger, jobId: crypto.randomUUID() }),
    await share(world, { ...stranger, jobId: "no-uuid" }),
  ]);
  for (const answer of answers) assertRefusal(answer, JOB_NOT_FOUND);
  for (const method of ["POST", "DELETE"]) {
    const answer = await assertChangesNothing(world, () => world.call(`videos/${jobId}/share`, { method }));
    assertRefusal(answer, { status: 401, code: "unauthorized" });
  }
  await download(url);
});

Deno.test("what is wrong with a request for a link is named", async () => {
  const generation = await deliver(world);
  const wrong: [body: unknown, path: string][] = [
    [{ expires_in_seconds: 59 }, "expires_in_seconds"],
    [{ expires_in_seconds: 31_536_001 }, "expires_in_seconds"],
    [{ expires_in_seconds: 60.5 }, "expires_in_seconds"],
    [{ expires_in_seconds: "60" }, "expires_in_seconds"],
    [{ title: " " }, "title"],
    [{ title: "x".repeat(201) }, "title"],
    [{ title: "\0" }, "title"],
    [{ password: "x" }, "password"],
  ];
  for (const [body, path] of wrong) {
    const answer = await assertChangesNothing(world, () => share(world, generation, body));
    assertRefusal(answer, { status: 400, code: "validation_failed" });
    assert.equal(JSON.parse(JSON.stringify(answer.body.issues))[0].path, path);
  }
  assertRefusal(await revoke(world, generation, "?share_id=1"), { status: 400, code: "validation_failed" });
});

Deno.test("a video has a hundred links at most, however many are asked for at once", async () => {
  const generation = await deliver(world);
  await world.sql`
    select private.create_share(${generation.jobId}) from generate_series(1, 95)`;
  const answers = await Promise.all(Array.from({ length: 10 }, () => share(world, generation)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 5);
  const refused = answers.find(({ status }) => status !== 200);
  assert.ok(refused);
  assertRefusal(refused, { status: 409, code: "share_limit_reached", fields: { limit: 100 } });
});

Deno.test("random requests for links break nothing, and only those that are right make one", async () => {
  const video = await deliver(world);
  const wild = fc.string({ unit: "binary", maxLength: 250 });
  const title = fc.oneof(wild, fc.constantFrom("<b>", " ", "\0", "x".repeat(200), "x".repeat(201)), fc.jsonValue());
  const seconds = fc.oneof(fc.integer(), fc.double(), fc.constantFrom(60, 31_536_000), fc.jsonValue());
  const body = fc.oneof(
    fc.record({ title, expires_in_seconds: seconds }, { requiredKeys: [] }),
    fc.dictionary(fc.oneof(wild, fc.constantFrom("title", "__proto__")), fc.jsonValue(), { maxKeys: 2 }),
    wild,
  );
  const query = fc.webQueryParameters().map((text) => `?${text}`);
  const tagsOf = async (page: unknown) => (await (await fetch(String(page))).text()).match(/</g)?.length;
  const tags = await tagsOf(`${await linkTo(world, video)}/page`);
  let links = 1;
  await fc.assert(
    fc.asyncProperty(body, query, async (body, query) => {
      const made = await share(world, video, typeof body === "string" ? body : JSON.stringify(body));
      if (made.status === 200) {
        links++;
        assert.equal(await tagsOf(made.body.page_url + query), tags);
      } else {
        const code = made.body.code === "invalid_json" ? "invalid_json" : "validation_failed";
        assertRefusal(made, { status: 400, code });
      }
      // Without any parameter all links would be revoked.
      const kept = await revoke(world, video, new URLSearchParams(query).size === 0 ? "?share_id=" : query);
      assertRefusal(kept, { status: 400, code: "validation_failed" });
    }),
    { numRuns: 60 },
  );
  assert.equal((await revoke(world, video)).body.revoked, links);
  assert.ok(links > 1);
});
