// The canvas: its own page, unchanged but for the base address and the token, from the click to the preview.
import assert from "node:assert/strict";
import type { SupabaseClient } from "@supabase/supabase-js";
import { dataClient } from "../support/canvas.ts";
import { type CanvasNode, CanvasPage, nodeSchema, NotFound } from "../support/canvas-page.ts";
import { INSTANT } from "../support/generation.ts";
import { type TestUser, type World } from "../support/harness.ts";
import { assertFilm, creditsOf, ledgerOf, useProductWorld } from "../support/products.ts";

const world = useProductWorld({ falSimulator: INSTANT });
const IMAGE_URL = "https://example.com/image.png";

/** A user with a project of a prompt, an image and a video node, connected. */
interface Scene {
  user: TestUser;
  data: SupabaseClient;
  projectId: string;
  nodeId: string;
  openPage(): Promise<CanvasPage>;
}

async function setScene(world: World, credits = 50): Promise<Scene> {
  const user = await world.newUser(credits);
  const data = dataClient(world, user);
  const project = await data.from("projects").insert({ name: "Waves" }).select("id").single();
  assert.equal(project.error, null);
  const projectId = String(project.data?.id);
  const ids = { prompt: crypto.randomUUID(), image: crypto.randomUUID(), video: crypto.randomUUID() };
  const nodes = await data.from("nodes").insert([
    { id: ids.prompt, project_id: projectId, type: "prompt", position: { x: 0, y: 0 }, data: { prompt: "Waves" } },
    { id: ids.image, project_id: projectId, type: "image", position: { x: 0, y: 200 }, data: { image_url: IMAGE_URL } },
    { id: ids.video, project_id: projectId, type: "video", position: { x: 400, y: 100 }, data: { title: "My video" } },
  ]);
  assert.equal(nodes.error, null);
  const connections = await data.from("connections").insert([
    { project_id: projectId, source_node_id: ids.prompt, target_node_id: ids.video },
    { project_id: projectId, source_node_id: ids.image, target_node_id: ids.video },
  ]);
  assert.equal(connections.error, null);
  return {
    user,
    data,
    projectId,
    nodeId: ids.video,
    async openPage() {
      const page = new CanvasPage(`${world.url}/functions/v1/canvas`, user.token, data, world.travel);
      await page.load(projectId);
      return page;
    },
  };
}

/** The request of the page. */
function requestOf(prompt = "Waves"): Record<string, unknown> {
  return { prompt: `${prompt} ${crypto.randomUUID()}`, resolution: "1080p", duration: 8, aspect_ratio: "16:9" };
}

async function nodeOf({ data, nodeId }: Scene): Promise<CanvasNode> {
  const { data: row, error } = await data.from("nodes").select("*").eq("id", nodeId).single();
  assert.equal(error, null);
  return nodeSchema.parse(row);
}

async function workFor(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 5) {
    await world.travel(5);
    assert.equal((await world.tick()).status, 200);
  }
}

Deno.test("the flow: from the click to the preview, in the page and in the database", async () => {
  const scene = await setScene(world);
  const page = await scene.openPage();
  const job = await page.clickGenerate(scene.nodeId, { ...requestOf(), image_url: IMAGE_URL });
  assert.deepEqual([job.status, job.error], ["COMPLETED", null]);
  assert.deepEqual([page.pauses[0], new Set(page.pauses.slice(1))], [2, new Set([3])]);
  await assertFilm(job.result?.video_url);

  const node = await nodeOf(scene);
  assert.deepEqual([node.status, node.error_message, node.data], ["completed", null, {
    title: "My video",
    video_url: job.result?.video_url,
  }]);
  assert.deepEqual(await ledgerOf(world, scene.user, job.job_id), [[-16, "video_generation"]]);
  await world.audit();
});

Deno.test("the answer to the click has every field of a job's status, and the node is processing at once", async () => {
  const scene = await setScene(world);
  const page = await scene.openPage();
  const answer = await page.generateVideo({ node_id: scene.nodeId, ...requestOf() });
  assert.deepEqual(answer, { job_id: answer.job_id, status: "PENDING", result: null, error: null });
  assert.equal((await nodeOf(scene)).status, "processing");
});

Deno.test("without an image a model of texts makes it, with one a model of images, as the catalogue says", async () => {
  const scene = await setScene(world);
  const page = await scene.openPage();
  const text = await page.clickGenerate(scene.nodeId, requestOf());
  const image = await page.clickGenerate(scene.nodeId, { ...requestOf(), image_url: IMAGE_URL });
  const models = await Promise.all([text, image].map(async ({ job_id }) => {
    const [row] = await world.sql`
      select models.category, is_default, settings ->> 'resolution' as resolution, seconds
      from video_jobs join models on models.id = model_id where job_id = ${job_id}`;
    return { ...row };
  }));
  assert.deepEqual(models, [
    { category: "text-to-video", is_default: true, resolution: "1080p", seconds: 8 },
    { category: "image-to-video", is_default: true, resolution: "1080p", seconds: 8 },
  ]);
});

Deno.test("persistence: the video is there when the page is loaded again, also a year later", async () => {
  const scene = await setScene(world);
  await (await scene.openPage()).clickGenerate(scene.nodeId, requestOf());
  await world.travel(365 * 24 * 3600);
  const reloaded = await scene.openPage();
  const node = reloaded.node(scene.nodeId);
  assert.equal(node?.status, "completed");
  await assertFilm(node?.data.video_url);
});

Deno.test("resume: a page that is reloaded while its node is processing polls on until the end", async () => {
  const scene = await setScene(world);
  await (await scene.openPage()).generateVideo({ node_id: scene.nodeId, ...requestOf() });
  const reloaded = await scene.openPage();
  assert.equal(reloaded.node(scene.nodeId)?.status, "completed");
  await assertFilm(reloaded.node(scene.nodeId)?.data.video_url);
});

Deno.test("resume: a job that ended while the user was away is on its node, by the worker alone", async () => {
  const scene = await setScene(world);
  await (await scene.openPage()).generateVideo({ node_id: scene.nodeId, ...requestOf() });
  await world.functions.rest();
  await workFor(60);
  assert.equal((await nodeOf(scene)).status, "completed");
  const reloaded = await scene.openPage();
  await assertFilm(reloaded.node(scene.nodeId)?.data.video_url);
  assert.deepEqual(reloaded.pauses, []);
});

Deno.test("the preview plays in a video element and opens in a new tab, without a token", async () => {
  const scene = await setScene(world);
  const { result } = await (await scene.openPage()).clickGenerate(scene.nodeId, requestOf());
  const part = await fetch(String(result?.video_url), { headers: { Range: "bytes=100-199" } });
  assert.deepEqual([part.status, part.headers.get("content-type"), (await part.arrayBuffer()).byteLength], [
    206,
    "video/mp4",
    100,
  ]);
});

Deno.test("a failed job is FAILED with a message, in the page and on the node, and refunded", async () => {
  const scene = await setScene(world);
  const job = await (await scene.openPage()).clickGenerate(scene.nodeId, requestOf("Waves [fal: content_policy]"));
  assert.deepEqual([job.status, job.result], ["FAILED", null]);
  assert.ok(job.error !== null && job.error.length > 10);
  const node = await nodeOf(scene);
  assert.deepEqual([node.status, node.error_message], ["failed", job.error]);
  assert.equal(await creditsOf(world, scene.user), 50);
  await world.audit();
});

Deno.test("a job that takes too long fails on its node too", async () => {
  const scene = await setScene(world);
  await (await scene.openPage()).generateVideo({ node_id: scene.nodeId, ...requestOf("Waves [fal: hang]") });
  // The run is submitted after the answer.
  await world.functions.rest();
  await world.travel(7200);
  assert.equal((await world.tick()).status, 200);
  assert.equal((await nodeOf(scene)).status, "failed");
  assert.equal(await creditsOf(world, scene.user), 50);
});

Deno.test("a job that is gone is 404: the page stops polling and its node is idle", async () => {
  const scene = await setScene(world);
  const page = await scene.openPage();
  const { job_id } = await page.generateVideo({ node_id: scene.nodeId, ...requestOf() });
  await world.call("videos", { method: "DELETE", user: scene.user, body: { job_ids: [job_id] } });
  assert.equal((await nodeOf(scene)).status, "idle");
  await assert.rejects(page.poll(scene.nodeId, job_id), new NotFound("Job not found"));
  assert.equal(page.node(scene.nodeId)?.status, "idle");
  await assert.rejects(page.latestJob(scene.nodeId), new NotFound("Job not found"));
});

Deno.test("a node that is not there is 404, and nothing is charged", async () => {
  const scene = await setScene(world);
  const page = await scene.openPage();
  await assert.rejects(page.generateVideo({ node_id: crypto.randomUUID(), ...requestOf() }), NotFound);
  assert.equal(await creditsOf(world, scene.user), 50);
});

Deno.test("while the backend is in trouble the page polls every ten seconds, and goes on when it is back", async () => {
  const scene = await setScene(world);
  const page = await scene.openPage();
  const { job_id } = await page.generateVideo({ node_id: scene.nodeId, ...requestOf() });
  world.gateway.fail("/rest/v1/rpc/read_node_job", 503);
  const polling = page.poll(scene.nodeId, job_id);
  while (page.pauses.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  world.gateway.clearFaults();
  assert.equal((await polling).status, "COMPLETED");
  assert.equal(page.pauses[0], 10);
});
