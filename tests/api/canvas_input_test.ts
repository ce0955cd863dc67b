import assert from "node:assert/strict";
import fc from "fast-check";
import { dataClient, generateForNode, newCanvas, readCanvas } from "../support/canvas.ts";
import { useWorld } from "../support/harness.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: { concurrency: 1000 } });

// Every UTF-16 unit, so that NUL, lone surrogates and invisible characters are all there.
const wildText = fc.string({ unit: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) });
const json = fc.jsonValue({ stringUnit: "binary", maxDepth: 3 });
const value = fc.oneof(
  wildText,
  json,
  fc.double(),
  fc.constantFrom("720p", "1080p", "auto", "16:9", 4, 8, "https://example.com/a.png", "https://[::1", null),
);
const field = fc.oneof(
  fc.constantFrom("node_id", "prompt", "image_url", "image_path", "resolution", "duration", "aspect_ratio"),
  fc.constantFrom("max_credits", "model_id", "__proto__"),
  wildText,
);
const anyBody = fc.oneof(
  { weight: 19, arbitrary: fc.dictionary(field, value, { maxKeys: 3 }) },
  // Of random texts hardly one has the form of a node's id.
  { weight: 1, arbitrary: fc.record({ node_id: fc.uuid() }) },
);

Deno.test("no request for a node breaks the server, and one that cannot be paid changes nothing", async () => {
  const { owner, nodeId } = await newCanvas(world);
  await world.sql`select deduct_credits(${owner.id}, 50, 'test')`;
  const seen = new Set<unknown>();
  await assertChangesNothing(world, () =>
    fc.assert(
      fc.asyncProperty(anyBody, async (body) => {
        const answer = await generateForNode(world, owner, nodeId, body);
        assert.ok(answer.status >= 400 && answer.status < 500, JSON.stringify([answer.status, answer.body]));
        seen.add(answer.body.code);
      }),
      { numRuns: 500 },
    ));
  for (const code of ["validation_failed", "node_not_found", "insufficient_credits"]) assert.ok(seen.has(code), code);
});

Deno.test("no path of a job or a node breaks the server", async () => {
  const { owner } = await newCanvas(world);
  const segment = fc.oneof(fc.uuid(), wildText.map((text) => encodeURIComponent(text.toWellFormed())), fc.webSegment())
    // Except those that lead elsewhere.
    .filter((text) => text !== "" && !/^(\.|%2e){1,2}$/i.test(text));
  const path = fc.oneof(
    segment.map((id) => `jobs/${id}`),
    segment.map((id) => `nodes/${id}/jobs/latest`),
  );
  await assertChangesNothing(world, () =>
    fc.assert(
      fc.asyncProperty(path, async (text) => {
        const { status, body } = await readCanvas(world, owner, text);
        assert.deepEqual([status, body.code], [404, "job_not_found"], text);
      }),
      { numRuns: 300 },
    ));
});

Deno.test("whatever an editor writes into a node, its job ends", async () => {
  const { owner, nodeId, node } = await newCanvas(world);
  await world.sql`select add_credits(${owner.id}, 1000, 'test')`;
  const app = dataClient(world, owner);
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.oneof(fc.constant("video_url"), fc.string()), json), async (data) => {
      await app.from("nodes").update({ data, error_message: "x" }).eq("id", nodeId);
      const { body: { job_id } } = await generateForNode(world, owner, nodeId);
      assert.equal((await node()).status, "processing");
      const { body } = await world.call("videos", { method: "DELETE", user: owner, body: { job_ids: [job_id] } });
      assert.deepEqual([body.deleted, (await node()).status], [[job_id], "idle"]);
    }),
    { numRuns: 9 },
  );
  await world.audit();
});
