// The canvas: who reads and changes its graph with a Supabase client, and who makes videos for its nodes.
import assert from "node:assert/strict";
import { dataClient, generateForNode, newCanvas, readCanvas } from "../support/canvas.ts";
import { ENDLESS, INSTANT, simulatorOf } from "../support/generation.ts";
import { KLING, until, useWorld } from "../support/harness.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: INSTANT });
Deno.test.beforeEach(() => simulatorOf(world).configure(INSTANT));

const PRICE = 8;

Deno.test("owner, editor and viewer read the project as a whole, a stranger and a visitor read nothing", async () => {
  const canvas = await newCanvas(world);
  const seen = async (user?: typeof canvas.owner) => {
    const app = dataClient(world, user);
    const tables = ["projects", "project_members", "nodes", "connections"];
    return await Promise.all(tables.map(async (table) => (await app.from(table).select("*")).data?.length));
  };
  for (const user of [canvas.owner, canvas.editor, canvas.viewer]) assert.deepEqual(await seen(user), [1, 3, 1, 0]);
  assert.deepEqual(await seen(canvas.stranger), [0, 0, 0, 0]);
  assert.deepEqual(await seen(), [undefined, undefined, undefined, undefined]);
});

Deno.test("an editor saves nodes and connections with upserts, and loads them with their project", async () => {
  const { editor, projectId: project_id, nodeId } = await newCanvas(world);
  const app = dataClient(world, editor);
  const other = crypto.randomUUID();
  const saved = await app.from("nodes").upsert([
    { id: nodeId, project_id, type: "video", position: { x: 10, y: 20 }, data: { title: "High waves" } },
    { id: other, project_id, type: "prompt", position: { x: 0, y: 0 }, data: {} },
  ]);
  assert.equal(saved.error, null);
  const joined = await app.from("connections").insert({ project_id, source_node_id: other, target_node_id: nodeId });
  assert.equal(joined.error, null);
  const { data, error } = await app.from("projects").select("name, nodes(id, position), connections(source_node_id)")
    .single();
  assert.equal(error, null);
  assert.deepEqual(data?.nodes.length, 2);
  assert.deepEqual(data?.nodes.find(({ id }) => id === nodeId)?.position, { x: 10, y: 20 });
  assert.deepEqual(data?.connections, [{ source_node_id: other }]);
});

Deno.test("viewer, stranger and visitor change nothing, and only the owner manages members and deletes", async () => {
  const { owner, editor, viewer, stranger, projectId: project_id, nodeId } = await newCanvas(world);
  await assertChangesNothing(world, async () => {
    for (const user of [viewer, stranger, undefined]) {
      const app = dataClient(world, user);
      await app.from("nodes").update({ status: "completed" }).eq("id", nodeId);
      await app.from("nodes").delete().eq("id", nodeId);
      assert.ok((await app.from("nodes").insert({ project_id, type: "video" })).error);
      assert.ok((await app.from("nodes").upsert({ id: nodeId, project_id, type: "mine" })).error);
      assert.ok(
        (await app.from("connections").insert({ project_id, source_node_id: nodeId, target_node_id: nodeId })).error,
      );
    }
    for (const user of [editor, viewer, stranger, undefined]) {
      const app = dataClient(world, user);
      await app.from("projects").delete().eq("id", project_id);
      await app.from("project_members").update({ role: "editor" }).eq("user_id", viewer.id);
      await app.from("project_members").delete().eq("user_id", owner.id);
      assert.ok((await app.from("project_members").insert({ project_id, user_id: stranger.id, role: "editor" })).error);
      assert.ok((await app.from("projects").insert({ owner_id: owner.id, name: "Yours" })).error);
    }
  });
  const { error } = await dataClient(world, owner).from("projects").delete().eq("id", project_id);
  assert.equal(error, null);
  assert.equal((await world.sql`select from nodes where id = ${nodeId}`).length, 0);
});

Deno.test("a node of a stranger, of a viewer or of nobody is 404, looks the same, and nothing is charged", async () => {
  const { owner, viewer, stranger, nodeId } = await newCanvas(world);
  await assertChangesNothing(world, async () => {
    for (
      const [user, id] of [[stranger, nodeId], [viewer, nodeId], [owner, crypto.randomUUID()], [
        owner,
        "a name",
      ]] as const
    ) {
      const { status, body: { request_id: _, ...body } } = await generateForNode(world, user, id);
      assert.deepEqual([status, body], [404, {
        code: "node_not_found",
        error: "There is no such node in your projects, or you may only view it: reload the project",
      }]);
    }
    assert.equal((await generateForNode(world, undefined, nodeId)).status, 401);
    assert.equal((await readCanvas(world, undefined, `nodes/${nodeId}/jobs/latest`)).status, 401);
    const { status, body } = await world.generate(viewer, {
      body: { model_id: KLING, prompt: "Waves", node_id: nodeId },
    });
    assert.deepEqual([status, body.code], [404, "node_not_found"]);
  });
});

Deno.test("an editor pays for a video of the node, and every member reads its job and its link", async () => {
  const { owner, editor, viewer, stranger, nodeId, node } = await newCanvas(world);
  const { status, body: { job_id, ...answer } } = await generateForNode(world, editor, nodeId);
  assert.deepEqual([status, answer], [200, {
    node_id: nodeId,
    status: "PENDING",
    result: null,
    error: null,
    credits_used: PRICE,
    credits_remaining: 50 - PRICE,
  }]);
  assert.equal((await node()).status, "processing");
  await world.functions.rest();
  await world.travel(20);
  await readCanvas(world, viewer, `jobs/${job_id}`);
  const { status: state, data } = await node();
  assert.equal(state, "completed");
  const { video_url, title } = Object(data);
  assert.equal(title, "Waves");
  assert.match(video_url, /\/functions\/v1\/share\/[A-Za-z0-9_-]{32}$/);
  for (const user of [owner, editor, viewer]) {
    for (const path of [`jobs/${job_id}`, `nodes/${nodeId}/jobs/latest`]) {
      const { status, headers, body } = await readCanvas(world, user, path);
      assert.deepEqual([status, body.job_id, body.node_id, body.status, body.result, body.error], [
        200,
        job_id,
        nodeId,
        "COMPLETED",
        { video_url },
        null,
      ]);
      assert.equal(headers.get("retry-after"), null);
    }
  }
  for (const path of [`jobs/${job_id}`, `nodes/${nodeId}/jobs/latest`, "jobs/none", "nodes/%ff/jobs/latest"]) {
    const { status, body } = await readCanvas(world, stranger, path);
    assert.deepEqual([status, body.code, body.error], [404, "job_not_found", "Job not found"]);
  }
  assert.deepEqual(await Promise.all([owner, editor].map(world.balance)), [50, 50 - PRICE]);
});

Deno.test("the same click twice is charged once; with a key for a day, without one for ten seconds", async () => {
  const { owner, nodeId } = await newCanvas(world);
  for (const headers of [{}, { "Idempotency-Key": crypto.randomUUID() }]) {
    const body = { prompt: `Waves ${crypto.randomUUID()}` };
    const answers = await Promise.all([1, 2].map(() => generateForNode(world, owner, nodeId, body, headers)));
    assert.equal(answers[0]?.body.job_id, answers[1]?.body.job_id);
    assert.equal(answers.filter(({ headers }) => headers.has("x-idempotent-replay")).length, 1);
    await world.travel(11);
    const again = await generateForNode(world, owner, nodeId, body, headers);
    assert.equal(again.body.job_id === answers[0]?.body.job_id, "Idempotency-Key" in headers);
  }
  assert.equal(await world.balance(owner), 50 - 3 * PRICE);
  await world.audit();
});

Deno.test("generate-video with the id of a node of a project writes it too, and a free name is read as before", async () => {
  const { owner, nodeId, node } = await newCanvas(world);
  await world.generate(owner, { body: { model_id: KLING, prompt: "Waves", node_id: nodeId.toUpperCase() } });
  await world.travel(20);
  const latest = await readCanvas(world, owner, `nodes/${nodeId}/jobs/latest`);
  assert.deepEqual([latest.body.status, (await node()).status], ["COMPLETED", "completed"]);
  const free = await world.generate(owner, { body: { model_id: KLING, prompt: "Waves", node_id: "my node / 1" } });
  const named = await readCanvas(world, owner, `nodes/${encodeURIComponent("my node / 1")}/jobs/latest`);
  assert.deepEqual([named.body.job_id, named.body.node_id], [free.body.job_id, "my node / 1"]);
});

Deno.test("a job that is no longer its node's newest is read by its own user, with a signed address", async () => {
  const { editor, viewer, nodeId } = await newCanvas(world);
  const first = await generateForNode(world, editor, nodeId);
  await generateForNode(world, editor, nodeId);
  await world.functions.rest();
  await world.travel(20);
  const { body } = await readCanvas(world, editor, `jobs/${first.body.job_id}`);
  assert.match(Object(body.result).video_url, /token=/);
  assert.equal((await readCanvas(world, viewer, `jobs/${first.body.job_id}`)).status, 404);
});

Deno.test("what a model does not take is refused by name, and what is too dear by its price", async () => {
  const { owner, nodeId } = await newCanvas(world);
  await assertChangesNothing(world, async () => {
    const refused = await generateForNode(world, owner, nodeId, { duration: 5, resolution: "8k" });
    assert.deepEqual([refused.status, refused.body.code], [400, "validation_failed"]);
    const paths = Object(refused.body.issues).map(({ path }: { path: string }) => path);
    assert.deepEqual(paths.sort(), ["duration", "resolution"]);
    const dear = await generateForNode(world, owner, nodeId, { max_credits: PRICE - 1 });
    assert.deepEqual([dear.status, dear.body.required_credits], [409, PRICE]);
    const unknown = await generateForNode(world, owner, nodeId, { model: "veo" });
    assert.equal(unknown.status, 400);
  });
});

Deno.test("starts, ends and edits of one node at once end in one state, and no one waits for ever", async () => {
  const { owner, editor, nodeId, node } = await newCanvas(world);
  simulatorOf(world).configure(ENDLESS);
  const edits = Array.from(
    { length: 10 },
    (_, x) => dataClient(world, editor).from("nodes").update({ position: { x, y: 0 } }).eq("id", nodeId),
  );
  const started = await Promise.all(
    [owner, editor, owner, editor, owner, editor].map(async (user) => {
      const { status, body: { job_id } } = await generateForNode(world, user, nodeId);
      assert.equal(status, 200);
      const cancelled = await world.call(`videos/${job_id}/cancel`, { user });
      assert.equal(cancelled.status, 200, JSON.stringify(cancelled.body));
      return job_id;
    }),
  );
  for (const { error } of await Promise.all(edits)) assert.equal(error, null);
  assert.equal(new Set(started).size, 6);
  await until("the node is as its last job", async () => (await node()).status === "failed");
  assert.equal((await node()).error_message, "The video was cancelled");
  assert.deepEqual(await Promise.all([owner, editor].map(world.balance)), [50, 50]);
  await world.audit();
});

Deno.test("the owner deletes the account: the project goes, an editor's job and credits stay", async () => {
  const { owner, editor, nodeId } = await newCanvas(world);
  const { body: { job_id } } = await generateForNode(world, editor, nodeId);
  await world.functions.rest();
  assert.equal((await world.call("account", { method: "DELETE", user: owner })).status, 200);
  assert.equal((await world.sql`select from nodes where id = ${nodeId}`).length, 0);
  await world.travel(20);
  const { body } = await readCanvas(world, editor, `jobs/${job_id}`);
  assert.equal(body.status, "COMPLETED");
  assert.equal(await world.balance(editor), 50 - PRICE);
  await world.audit();
});

Deno.test("a path or method that the canvas does not have is refused by name", async () => {
  const user = await world.newUser();
  for (
    const [method, path, status] of [
      ["GET", "api/ai/generate-video", 405],
      ["POST", "api/ai/nodes/1/jobs/latest", 405],
      ["GET", "api/ai/nodes/1/jobs", 404],
      ["GET", "api/ai", 404],
      ["GET", "ai/jobs/1", 404],
      ["POST", "api/ai/generate-video/more", 404],
    ] as const
  ) {
    assert.equal((await world.call(`canvas/${path}`, { method, user })).status, status, `${method} ${path}`);
  }
});
