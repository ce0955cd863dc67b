// How much the canvas of one user may hold, as a client meets it.
import assert from "node:assert/strict";
import { dataClient, generateForNode, newCanvas, readCanvas } from "../support/canvas.ts";
import { INSTANT } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: INSTANT });

Deno.test.afterEach(async () => {
  await world.sql`update app_settings set canvas_rows_per_user = 10000, canvas_bytes_per_user = 52428800`;
});

Deno.test("a client whose canvas is full is told the limit and what to do", async () => {
  const { owner, projectId } = await newCanvas(world);
  await world.sql`update app_settings set canvas_rows_per_user = 1`;
  const client = dataClient(world, owner);
  const { error, status } = await client.from("nodes").insert({ project_id: projectId, type: "text" });
  assert.deepEqual([status, error?.code, error?.message, error?.details, error?.hint], [
    409,
    "canvas_limit_reached",
    "All projects of this owner together may have 1 nodes and connections",
    '{"limit": "canvas_rows_per_user", "maximum": 1}',
    "Delete nodes or projects of this owner",
  ]);
  const { data: limits } = await client.rpc("my_limits");
  assert.deepEqual([limits.canvas_projects, limits.canvas_rows, limits.canvas_bytes], [
    { used: 1, limit: 100 },
    { used: 1, limit: 1 },
    { used: JSON.stringify({ title: "Waves" }).length + 1, limit: 52_428_800 },
  ]);
});

Deno.test("many writes at once to several projects of one owner get no more than one after the other", async () => {
  const { owner, editor, projectId } = await newCanvas(world);
  const other = crypto.randomUUID();
  const client = dataClient(world, owner);
  await client.from("projects").insert({ id: other });
  await world.sql`update app_settings set canvas_rows_per_user = 6`;
  const writes = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      (at % 4 === 1 ? dataClient(world, editor) : client)
        .from("nodes").insert({ project_id: at % 2 === 0 ? other : projectId, type: "text" })),
  );
  assert.deepEqual(
    [201, 409].map((status) => writes.filter((write) => write.status === status).length),
    [5, 15],
  );
});

Deno.test("a node of a full canvas gets its video", async () => {
  const { owner, nodeId, node } = await newCanvas(world);
  await world.sql`update app_settings set canvas_rows_per_user = 1, canvas_bytes_per_user = 1`;
  const { status, body } = await generateForNode(world, owner, nodeId);
  assert.equal(status, 200);
  await until(
    "the job has ended",
    async () => (await readCanvas(world, owner, `jobs/${body.job_id}`)).body.status === "COMPLETED",
  );
  assert.equal((await node()).status, "completed");
});

Deno.test("a project and an account are deleted while others save its nodes, and no count is left", async () => {
  for (const how of ["project", "account"]) {
    const { owner, editor, projectId } = await newCanvas(world);
    const nodes = Array.from({ length: 50 }, () => ({ id: crypto.randomUUID(), project_id: projectId, type: "text" }));
    const client = dataClient(world, editor);
    await client.from("nodes").insert(nodes);
    let ended = false;
    const errors = new Set<string>();
    const saves = Array.from({ length: 4 }, async (_, writer) => {
      for (let count = 0; !ended; count++) {
        const data = { text: "x".repeat(1000 * ((count + writer) % 5)) };
        const { error } = await client.from("nodes").upsert(nodes.map((node) => ({ ...node, data })));
        if (error !== null) errors.add(error.code);
      }
    });
    const deletion = how === "project"
      ? await dataClient(world, owner).from("projects").delete().eq("id", projectId)
      : await world.call("account", { method: "DELETE", user: owner });
    ended = true;
    await Promise.all(saves);
    assert.ok(deletion.status < 300, JSON.stringify(deletion));
    // What a client may be told: it is no member any more, or there is no project.
    assert.deepEqual([...errors].filter((code) => code !== "42501" && code !== "23503"), [], how);
    assert.deepEqual(
      await world.sql`select from private.project_sizes where project_id = ${projectId}
        union all select from private.canvas_usage where owner_id = ${owner.id}`.then((rows) => rows.length),
      0,
      how,
    );
  }
});
