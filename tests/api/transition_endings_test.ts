// A transition that ends before its last step: cancelled, or deleted with its video or its account, while webhooks
// come, are lost, or come late.
import assert from "node:assert/strict";
import { z } from "zod";
import { download, INSTANT, simulatorOf } from "../support/generation.ts";
import { COPY_LEASE_SECONDS, until, useWorld } from "../support/harness.ts";
import { assertChangesNothing } from "../support/table-dump.ts";
import {
  assertDelivered,
  assertFailed,
  assertNothingLeft,
  ENDPOINTS,
  startTransition,
  type StepName,
  type Transition,
} from "../support/transition.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";

const world = useWorld({ webhooks: true, falSimulator: INSTANT });

Deno.test.beforeEach(() => simulatorOf(world).clear());

/** The steps of a transition with everything, and those before its video is made. */
const STEPS: StepName[] = ["voiceover", "music", "loudness", "generate", "mix"];
const CANCELLABLE = STEPS.filter((step) => step !== "mix");

/** A transition that has come to a step which does not end. */
async function stuckIn(step: StepName): Promise<Transition> {
  simulatorOf(world).script({ endpoint: ENDPOINTS[step] }, { outcome: "hang" });
  const transition = await startTransition(world);
  await transition.reach(step);
  return transition;
}

function isOver(transition: Transition): boolean {
  return transition.runs().every(({ cancelled, completedAt }) => cancelled || completedAt !== null);
}

/** Fails if a late webhook of one of the runs changes anything. */
async function assertLateWebhooksChangeNothing(transition: Transition, status: number): Promise<void> {
  await assertChangesNothing(world, async () => {
    for (const { id } of transition.runs()) {
      const [delivery] = await simulatorOf(world).deliverWebhook(id, { status: "OK" });
      assert.equal(delivery?.status, status);
    }
  });
}

async function jobIsOver(transition: Transition): Promise<void> {
  await until("the transition is over", async () => {
    const [job] = await world.sql`select completed_at from video_jobs where job_id = ${transition.taskId}`;
    return job?.completed_at !== null;
  });
}

Deno.test("a transition goes through all its steps by webhooks alone, without a poll or a tick", async () => {
  const transition = await startTransition(world);
  await jobIsOver(transition);
  await assertDelivered(world, transition, await transition.poll(0));
  assert.deepEqual(transition.runs().map(({ webhooks }) => webhooks[0]?.status), [200, 200, 200, 200, 200]);
});

for (const step of STEPS) {
  Deno.test(`a webhook lost in ${step} only costs time: the next check goes on`, async () => {
    simulatorOf(world).script({ endpoint: ENDPOINTS[step] }, { webhook: { lost: true } });
    const transition = await startTransition(world);
    await assertDelivered(world, transition, await transition.outcome());
    assert.equal(transition.runs().length, 5);
  });

  Deno.test(`a submission of ${step} whose answer is lost is adopted by its webhook, and not made again`, async () => {
    simulatorOf(world).script({ endpoint: ENDPOINTS[step] }, { submit: "bad_json" });
    const transition = await startTransition(world);
    await jobIsOver(transition);
    await assertDelivered(world, transition, await transition.poll(0));
    assert.equal(transition.runsOf(step).length, 1);
  });

  Deno.test(`a transition deleted in ${step} is refunded, and leaves no row, no file and no run`, async () => {
    const transition = await stuckIn(step);
    const { body } = await world.call("videos", {
      method: "DELETE",
      user: transition.user,
      body: { job_ids: [transition.taskId] },
    });
    assert.deepEqual(body, { deleted: [transition.taskId], not_found: [] });
    await until("the run is stopped", () => isOver(transition));
    await assertNothingLeft(world, transition.taskId);
    assert.deepEqual(await transition.ledger(), [-7, 7]);
    assert.equal((await transition.poll(0)).status, 404);
    await assertLateWebhooksChangeNothing(transition, 404);
  });

  Deno.test(`an account deleted while its transition is in ${step} leaves no row, no file and no run`, async () => {
    const transition = await stuckIn(step);
    assert.equal((await world.call("account", { method: "DELETE", user: transition.user })).status, 200);
    await until("the run is stopped", () => isOver(transition));
    await assertNothingLeft(world, transition.taskId);
    assert.deepEqual(await transition.ledger(), [-7, 7]);
    await assertLateWebhooksChangeNothing(transition, 404);
  });
}

for (const step of CANCELLABLE) {
  Deno.test(`a transition cancelled in ${step} is refunded in full, and its run is stopped`, async () => {
    const transition = await stuckIn(step);
    const { status, body } = await world.call(`videos/${transition.taskId}/cancel`, { user: transition.user });
    assert.deepEqual([status, body.status, body.credits_refunded], [200, "failed", 7]);
    await until("the run is stopped", () => isOver(transition));
    await assertFailed(world, transition, await transition.poll(0), "cancelled");
    await assertLateWebhooksChangeNothing(transition, 200);
  });
}

Deno.test("a transition whose picture is made is not cancelled, and is delivered", async () => {
  const transition = await stuckIn("mix");
  const { status, body } = await world.call(`videos/${transition.taskId}/cancel`, { user: transition.user });
  assert.deepEqual([status, body.code], [409, "not_cancellable"]);
  simulatorOf(world).finish(String(transition.runsOf("mix")[0]?.id));
  await assertDelivered(world, transition, await transition.outcome());
});

async function filesOf({ user }: Transition): Promise<string[]> {
  const files = await world.sql`select name from storage.objects where name like ${`${user.id}/%`} order by name`;
  return files.map(({ name }) => String(name));
}

/** A delivered transition, with its three files. */
async function delivered(): Promise<Transition> {
  const transition = await startTransition(world);
  await assertDelivered(world, transition, await transition.outcome());
  await thumbnailEnded(world, transition.taskId);
  const base = `${transition.user.id}/${transition.taskId}`;
  assert.deepEqual(await filesOf(transition), [`${base}.mp4`, `${base}.vtt`, `${base}_thumb.jpg`]);
  return transition;
}

Deno.test("a delivered transition that is deleted leaves neither row nor file, and stays paid", async () => {
  const transition = await delivered();
  await world.call("videos", { method: "DELETE", user: transition.user, body: { job_ids: [transition.taskId] } });
  await assertNothingLeft(world, transition.taskId);
  assert.deepEqual([await filesOf(transition), await transition.ledger()], [[], [-7]]);
  assert.equal((await transition.poll(0)).status, 404);
  await assertLateWebhooksChangeNothing(transition, 404);
});

Deno.test("the account of a delivered transition that is deleted leaves neither row nor file", async () => {
  const transition = await delivered();
  assert.equal((await world.call("account", { method: "DELETE", user: transition.user })).status, 200);
  await assertNothingLeft(world, transition.taskId);
  assert.deepEqual(await filesOf(transition), []);
  await assertLateWebhooksChangeNothing(transition, 404);
});

Deno.test("files of a deleted transition that Storage does not delete at once are deleted by the next purge", async () => {
  const transition = await delivered();
  world.gateway.fail("/storage/v1/object/videos", 500, 1);
  await world.call("videos", { method: "DELETE", user: transition.user, body: { job_ids: [transition.taskId] } });
  assert.equal((await filesOf(transition)).length, 3);
  await world.travel(COPY_LEASE_SECONDS + 1);
  await world.purge();
  await assertNothingLeft(world, transition.taskId);
});

Deno.test("a webhook of an earlier step, come late, changes nothing in the later one", async () => {
  const transition = await stuckIn("mix");
  for (const { id, endpoint } of transition.runs()) {
    if (endpoint === ENDPOINTS.mix) continue;
    await assertChangesNothing(world, async () => {
      const [delivery] = await simulatorOf(world).deliverWebhook(id, { status: "ERROR" });
      assert.equal(delivery?.status, 200);
    });
  }
  simulatorOf(world).finish(String(transition.runsOf("mix")[0]?.id));
  await assertDelivered(world, transition, await transition.outcome());
  assert.equal(transition.runs().length, 5);
});

Deno.test("a run that is accepted after its transition was deleted is stopped at the provider", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { answerAfterMs: 1000, runMs: 3_600_000 });
  const transition = await startTransition(world);
  await until("the mix is being submitted", () => transition.runsOf("mix").length === 1);
  await world.call("videos", { method: "DELETE", user: transition.user, body: { job_ids: [transition.taskId] } });
  await until("the run is stopped", () => transition.runsOf("mix")[0]?.cancelled === true);
  await assertNothingLeft(world, transition.taskId);
  assert.deepEqual(await transition.ledger(), [-7, 7]);
  await world.audit();
});

Deno.test("subtitles written while their transition is deleted are deleted too, though the copy fails", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { media: "dead" });
  await world.sql.unsafe(`
    create function private.test_slow() returns trigger language plpgsql as $$ begin
      perform pg_sleep(1); return new; end $$;
    create trigger test_slow before insert on storage.objects for each row execute function private.test_slow()`);
  const transition = await startTransition(world);
  try {
    await until("the subtitles are being written", async () => {
      const sleeping = await world.sql`select from pg_stat_activity where wait_event = 'PgSleep'`;
      return sleeping.length > 0;
    });
    await world.call("videos", { method: "DELETE", user: transition.user, body: { job_ids: [transition.taskId] } });
    await until("the copy has failed", () => (transition.runsOf("mix")[0]?.calls.file ?? 0) > 0);
  } finally {
    await world.sql`drop function private.test_slow cascade`;
  }
  await until("the subtitles are gone", async () => {
    const files = await world.sql`select from storage.objects where name like ${`%${transition.taskId}%`}`;
    return files.length === 0;
  });
  await assertNothingLeft(world, transition.taskId);
});

Deno.test("subtitles of a transition whose video cannot be used are gone as soon as it fails", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { media: "wrong_type" });
  const transition = await startTransition(world);
  await jobIsOver(transition);
  await assertFailed(world, transition, await transition.poll(0), "media_unusable");
  await world.functions.rest();
  assert.deepEqual(await filesOf(transition), []);
});

Deno.test("a video that Storage does not take is delivered with its subtitles all the same", async () => {
  const transition = await startTransition(world);
  world.gateway.fail(`/storage/v1/object/videos/${transition.user.id}/${transition.taskId}.mp4`, 500);
  const { result } = z.object({ result: z.record(z.string(), z.unknown()) }).parse((await transition.outcome()).body);
  world.gateway.clearFaults();
  assert.ok(!String(result.video_url).startsWith(world.url), "the provider's own address");
  assert.match(new TextDecoder().decode(await download(result.subtitles_url)), /^WEBVTT\n[^]*First subtitle\n$/);
});
