// Where the addresses in nodes lead when no operator has said where the functions are.
import assert from "node:assert/strict";
import { generateForNode, newCanvas } from "../support/canvas.ts";
import { INSTANT } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

// With webhooks the functions know their own address, as in a hosted project.
const world = useWorld({ falSimulator: INSTANT, webhooks: true });

Deno.test("where the database has no address, the link of a node has the functions' own, never one that a caller names", async () => {
  const { owner, nodeId, node } = await newCanvas(world);
  await world.sql`update app_settings set public_functions_url = null`;
  const headers = {
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "Forwarded": "host=evil.example",
  };
  const { body: { job_id } } = await generateForNode(world, owner, nodeId, {}, headers);
  await until("the webhook has come", async () => (await node()).status === "completed");
  const { body } = await world.call(`canvas/api/ai/jobs/${job_id}`, { method: "GET", user: owner });
  const { video_url } = Object((await node()).data);
  assert.ok(String(video_url).startsWith(`${world.url}/functions/v1/share/`), String(video_url));
  assert.deepEqual(body.result, { video_url });
  assert.equal((await fetch(video_url)).status, 200);
});
