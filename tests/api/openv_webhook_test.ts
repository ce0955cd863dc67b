// POST openv/api/runpod/webhook: the one address that an endpoint at RunPod reports to.
import assert from "node:assert/strict";
import { type Answer, useWorld } from "../support/harness.ts";
import { create, list } from "../support/openv.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ runpodSimulator: { queueMs: 0, runMs: 3_600_000 } });

const TOKEN = "a-token-of-the-operator";

function report(token: string | null, body: unknown): Promise<Answer> {
  const query = token === null ? "" : `?token=${encodeURIComponent(token)}`;
  return world.call(`openv/api/runpod/webhook${query}`, { body });
}

Deno.test("without a token of the operator's there is no webhook for endpoints", async () => {
  for (const token of [null, "", TOKEN]) {
    assertRefusal(await report(token, { id: "x" }), { status: 404, code: "not_found" });
  }
});

Deno.test("the webhook of an endpoint needs its token, knows our runs alone, and believes nothing", async () => {
  await world.functions.restart({ RUNPOD_WEBHOOK_TOKEN: TOKEN });
  try {
    const user = await world.newUser(20);
    const { body: { jobId } } = await create(world, user);
    const [queued] = await world.sql`select provider_job_id as id from private.job_queue where job_id = ${
      String(jobId)
    }`;
    const told = { id: queued?.id, status: "COMPLETED", output: { video_url: "https://evil.example/a.mp4" } };
    await assertChangesNothing(world, async () => {
      for (const token of [null, "", "x", `${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase()]) {
        assertRefusal(await report(token, told), { status: 401, code: "unauthorized" });
      }
      assertRefusal(await report(TOKEN, { id: "unknown" }), { status: 404, code: "job_not_found" });
      for (
        const body of [{ status: "COMPLETED" }, { id: "run\0" }, { id: "x".repeat(256) }, { id: 7 }, [], "not JSON"]
      ) {
        assertRefusal(await report(TOKEN, body), { status: 400, code: "validation_failed" });
      }
    });
    const answer = await report(TOKEN, told);
    assert.deepEqual([answer.status, answer.body], [200, { received: true }]);
    await world.functions.rest();
    const { videos: [video] } = await list(world, user);
    assert.deepEqual([video?.status, video?.url], ["processing", undefined]);
  } finally {
    await world.functions.restart({ RUNPOD_WEBHOOK_TOKEN: "" });
  }
});
