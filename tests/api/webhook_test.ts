import assert from "node:assert/strict";
import type { SubmittedRequest } from "../../local/simulators/fal/simulator.ts";
import { assertPaidOnce, ENDLESS, type Generation, simulatorOf, startGeneration } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

const world = useWorld({ webhooks: true, falSimulator: ENDLESS });

/** Longer than the work behind a webhook takes; the test goes on as soon as it is done. */
const BACKGROUND_LIMIT_MS = 30_000;

async function until<T>(what: string, check: () => Promise<T | null | undefined | false>): Promise<T> {
  const end = performance.now() + BACKGROUND_LIMIT_MS;
  while (performance.now() < end) {
    const seen = await check();
    if (seen) return seen;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${what} did not happen:\n${world.functions.log.slice(-20).join("\n")}`);
}

async function stateOf(generation: Generation): Promise<string> {
  const [job] = await world.sql`select status from video_jobs where job_id = ${generation.jobId}`;
  return String(job?.status);
}

function becomes(generation: Generation, status: string): Promise<true> {
  return until(`job ${status}`, async () => await stateOf(generation) === status ? true as const : null);
}

function runOf(generation: Generation): Readonly<SubmittedRequest> {
  const run = generation.runs().at(-1);
  assert.ok(run, "the provider has not got this generation");
  return run;
}

/** Ends the run without fal's own webhook, and sends one by hand. */
async function deliver(
  generation: Generation,
  options: Parameters<ReturnType<typeof simulatorOf>["deliverWebhook"]>[1],
) {
  const [delivery] = await simulatorOf(world).deliverWebhook(runOf(generation).id, options);
  return delivery?.status;
}

Deno.test("a finished run is stored and completed by its webhook alone, without a poll or a tick", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).finish(runOf(generation).id);
  await becomes(generation, "completed");
  await assertPaidOnce(world, generation, await generation.poll(0));
  assert.equal(runOf(generation).webhooks[0]?.status, 200);
});

Deno.test("a failed run is refunded by its webhook alone", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).fail(runOf(generation).id, "content_policy_violation");
  await becomes(generation, "failed");
  assert.deepEqual(await generation.ledger(), [-5, 5]);
  await world.audit();
});

for (
  const [name, options] of [
    ["forged with a key that is not fal's", { forged: true }],
    ["whose body was changed on the way", { tampered: true }],
    ["signed five minutes ago and a second", { timestampOffsetSeconds: -301 }],
    ["signed five minutes and a few seconds ahead", { timestampOffsetSeconds: 303 }],
  ] as const
) {
  Deno.test(`a webhook ${name} is unauthorized and wakes no job`, async () => {
    const generation = await startGeneration(world, { fal: "webhook_none" });
    simulatorOf(world).finish(runOf(generation).id);
    const checks = runOf(generation).calls.status;
    assert.equal(await deliver(generation, options), 401);
    assert.equal(runOf(generation).calls.status, checks);
    assert.equal(await stateOf(generation), "processing");
    await assertPaidOnce(world, generation, await generation.outcome());
  });
}

Deno.test("a webhook signed almost five minutes ago is taken", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  simulatorOf(world).finish(runOf(generation).id);
  assert.equal(await deliver(generation, { timestampOffsetSeconds: -290 }), 200);
  await becomes(generation, "completed");
});

Deno.test("a webhook that comes fifty times at once delivers once", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  simulatorOf(world).finish(runOf(generation).id);
  const deliveries = await simulatorOf(world).deliverWebhook(runOf(generation).id, { copies: 50 });
  assert.deepEqual([...new Set(deliveries.map(({ status }) => status))], [200]);
  await becomes(generation, "completed");
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("a webhook that is faster than the answer to the submission gives the job its run", async () => {
  const generation = await startGeneration(world, { fal: "webhook_before_answer run=0s" });
  await becomes(generation, "completed");
  assert.equal(generation.runs().length, 1);
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("a submission whose answer was lost is adopted by its webhook, without another attempt", async () => {
  const generation = await startGeneration(world, { fal: "submit_bad_json" });
  assert.equal(generation.answer.status, 200);
  assert.equal(await stateOf(generation), "pending");
  simulatorOf(world).finish(runOf(generation).id);
  await becomes(generation, "completed");
  assert.equal(generation.runs().length, 1);
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("the first attempt delivers although a second was made, whose run is cancelled", async () => {
  const generation = await startGeneration(world, { fal: "submit_bad_json times=1" });
  await generation.poll(130);
  const [first, second] = generation.runs();
  assert.ok(first && second, "two attempts");
  simulatorOf(world).finish(first.id);
  await becomes(generation, "completed");
  await until("the cancellation", () => Promise.resolve(second.cancelled));
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("a late run that failed leaves the current attempt alone", async () => {
  const generation = await startGeneration(world, { fal: "submit_bad_json times=1" });
  await generation.poll(130);
  const [first, second] = generation.runs();
  assert.ok(first && second, "two attempts");
  simulatorOf(world).fail(first.id, "internal_server_error");
  await until("the webhook", () => Promise.resolve(first.webhooks.length > 0));
  assert.equal(await stateOf(generation), "processing");
  simulatorOf(world).finish(second.id);
  await becomes(generation, "completed");
  assert.equal(second.calls.cancel, 0);
  await assertPaidOnce(world, generation, await generation.poll(0));
});

Deno.test("a webhook after the end changes nothing", async () => {
  const generation = await startGeneration(world);
  simulatorOf(world).finish(runOf(generation).id);
  await becomes(generation, "completed");
  const before = await generation.poll(0);
  assert.equal(await deliver(generation, {}), 200);
  assert.equal(await deliver(generation, { body: { request_id: runOf(generation).id, status: "ERROR" } }), 200);
  const after = await generation.poll(0);
  assert.deepEqual({ ...after.body, video_url: null }, { ...before.body, video_url: null });
  await assertPaidOnce(world, generation, after);
});

Deno.test("a webhook of a deleted job is 404", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  await world.sql`delete from video_jobs where job_id = ${generation.jobId}`;
  assert.equal(await deliver(generation, {}), 404);
  // The ledger keeps the charge of a job that was deleted by hand; the audit must still pass for the others.
});

Deno.test("a webhook with an address that was never given out is unauthorized", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  const other = await startGeneration(world, { fal: "webhook_none" });
  const address = new URL(String(runOf(generation).webhookUrl));
  const wrong: Record<string, string>[] = [
    { job: other.jobId },
    { job: crypto.randomUUID() },
    { attempt: "2" },
    { attempt: "x" },
    { token: "" },
    { token: "A".repeat(43) },
  ];
  for (const change of wrong) {
    const url = new URL(address);
    for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value);
    assert.equal(await deliver(generation, { url: url.href }), 401, JSON.stringify(change));
  }
  const elsewhere = address.href.replace("/provider-webhook/fal", "/provider-webhook/nobody");
  assert.equal(await deliver(generation, { url: elsewhere }), 401);
});

Deno.test("a signature evaded: an address that was given to fal is not one of a provider that signs nothing", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  const address = new URL(String(runOf(generation).webhookUrl)).search;
  const forged = await world.call(`provider-webhook/runpod${address}`, { body: { id: crypto.randomUUID() } });
  assert.equal(forged.status, 401);
});

Deno.test("a webhook that names another run than the job's own wakes no job", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  const other = await startGeneration(world, { fal: "webhook_none" });
  simulatorOf(world).finish(runOf(other).id);
  // Signed by fal for a run that failed or is unknown to us: the provider is asked, and reports no success.
  const body = {
    request_id: crypto.randomUUID(),
    status: "OK",
    payload: { video: { url: "https://evil.example/x.mp4" } },
  };
  assert.equal(await deliver(generation, { body }), 200);
  assert.equal(await stateOf(generation), "processing");
  simulatorOf(world).finish(runOf(generation).id);
  await assertPaidOnce(world, generation, await generation.outcome());
});

for (
  const [name, word] of [
    ["without a payload", "webhook_payload_error"],
    ["with integers beyond 2^53", "huge_integers"],
    ["that says ERROR although the run went well", "webhook_error"],
    ["that says ERROR first and the truth afterwards", "webhook_error_first"],
  ] as const
) {
  Deno.test(`a webhook ${name} only wakes: what happened is read from the provider`, async () => {
    const generation = await startGeneration(world, { fal: word });
    simulatorOf(world).finish(runOf(generation).id);
    await becomes(generation, "completed");
    await assertPaidOnce(world, generation, await generation.poll(0));
  });
}

Deno.test("a junk body of one megabyte is unauthorized, and one of more than four is not read", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  const address = new URL(String(runOf(generation).webhookUrl)).search;
  const junk = await world.call(`provider-webhook/fal${address}`, { body: "x".repeat(1_000_000) });
  assert.equal(junk.status, 401);
  const flood = await world.call(`provider-webhook/fal${address}`, { body: "x".repeat(5_000_000) });
  assert.equal(flood.status, 413);
});

Deno.test("a webhook without our token is refused before its body is read", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  const address = new URL(String(runOf(generation).webhookUrl));
  address.searchParams.set("token", "A".repeat(43));
  for (const path of [`fal${address.search}`, `nobody${address.search}`, "fal"]) {
    // Longer than the limit: a function that reads it first answers 413.
    const body = "x".repeat(5_000_000);
    assert.equal((await world.call(`provider-webhook/${path}`, { body })).status, 401, path);
  }
});

Deno.test("a new key of fal's is fetched when it is first seen, and forgeries are no reason to fetch again", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  simulatorOf(world).finish(runOf(generation).id);
  await world.functions.restart();
  const before = simulatorOf(world).jwksFetches;
  assert.equal(await deliver(generation, {}), 200);
  for (let count = 0; count < 5; count++) assert.equal(await deliver(generation, { forged: true }), 401);
  assert.equal(simulatorOf(world).jwksFetches - before, 1);
});

Deno.test("while fal's keys cannot be fetched a webhook is answered so that fal sends it again", async () => {
  const generation = await startGeneration(world, { fal: "webhook_none" });
  simulatorOf(world).configure({ jwksDown: true });
  await world.functions.restart();
  assert.equal(await deliver(generation, {}), 503);
  simulatorOf(world).configure({ jwksDown: false });
  // The keys are fetched again after a minute at the earliest: the other tests do not wait for that.
  await world.functions.restart();
});

for (const name of ["constructor", "toString", "hasOwnProperty", "nobody"]) {
  Deno.test(`a webhook of the provider "${name}", which there is not, is unauthorized`, async () => {
    const query = `job=${crypto.randomUUID()}&attempt=1&token=x`;
    assert.equal((await world.call(`provider-webhook/${name}?${query}`, { body: {} })).status, 401);
  });
}
