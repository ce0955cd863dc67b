// RunPod and Veo behind the whole backend: the catalogue's rows, their inputs, charge, delivery and refund.
import assert from "node:assert/strict";
import { download, startGeneration } from "../support/generation.ts";
import { until, useWorld } from "../support/harness.ts";

const VEO = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a";
const VEO_HD = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000b";
const VEO_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000c";
const WAN = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d";
const MOCHI = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0010";

const world = useWorld({
  webhooks: true,
  runpodSimulator: { queueMs: 0, runMs: 0 },
  veoSimulator: { runMs: 0 },
});

Deno.test("a video of one's own RunPod endpoint is completed by its webhook, stored, and paid for once", async () => {
  const generation = await startGeneration(world, { body: { model_id: WAN, settings: { seed: 7, width: 1280 } } });
  assert.deepEqual([generation.answer.status, generation.answer.body.credits_used], [200, 5]);
  const run = world.runpodSimulator?.requests.at(-1);
  assert.deepEqual([run?.endpoint, run?.input], ["your-endpoint-id", {
    positive_prompt: generation.body.prompt,
    negative_prompt: "",
    width: 1280,
    height: 480,
    seed: 7,
    steps: 20,
    cfg: 5,
    num_frames: 81,
  }]);
  await until("the webhook completes the job", async () => {
    const [job] = await world.sql`select status from video_jobs where job_id = ${generation.jobId}`;
    return job?.status === "completed";
  });
  const { body } = await generation.poll(0);
  assert.ok((await download(body.video_url)).length > 10_000);
  assert.deepEqual(await generation.ledger(), [-5]);
  assert.equal(world.runpodSimulator?.requests.at(-1)?.webhooks[0]?.status, 200);
  await world.audit();
});

Deno.test("OpenV's Mochi gets its own inputs, and what its worker answers is delivered and paid for once", async () => {
  const prompt = `A lighthouse [runpod: output_result] ${crypto.randomUUID()}`;
  const generation = await startGeneration(world, {
    body: { model_id: MOCHI, prompt, settings: { num_frames: 127, seed: 42 } },
  });
  assert.deepEqual(generation.answer.body.credits_used, 5);
  const run = world.runpodSimulator?.requests.at(-1);
  assert.deepEqual([run?.endpoint, run?.input], ["your-mochi-endpoint-id", {
    positive_prompt: prompt,
    negative_prompt: "",
    width: 848,
    height: 480,
    seed: 42,
    steps: 40,
    cfg: 6,
    num_frames: 127,
  }]);
  const { body } = await generation.outcome();
  assert.equal(body.status, "completed", world.functions.log.slice(-5).join("\n"));
  assert.ok((await download(body.video_url)).length > 10_000);
  assert.deepEqual(await generation.ledger(), [-5]);
  await world.audit();
});

Deno.test("Mochi makes 31 frames by default, and a number of frames that it cannot make is refused", async () => {
  const user = await world.newUser();
  const quote = async (settings: Record<string, unknown>) => {
    const answer = await world.generate(user, { body: { model_id: MOCHI, prompt: "A lighthouse", settings } });
    return answer.status;
  };
  assert.equal(await quote({}), 200);
  assert.equal(world.runpodSimulator?.requests.at(-1)?.input.num_frames, 31);
  for (const num_frames of [6, 30, 128, 133]) assert.equal(await quote({ num_frames }), 400, String(num_frames));
  assert.equal(await quote({ num_frames: 7 }), 200);
  assert.equal(await quote({ width: 832 }), 400);
});

Deno.test("a model whose row names the path of its output is delivered from there", async () => {
  await world
    .sql`update models set settings_schema = settings_schema || '{"output": "videos.0.url"}' where id = ${MOCHI}`;
  try {
    const prompt = (word: string) => `A lighthouse [runpod: ${word}] ${crypto.randomUUID()}`;
    const end = async (word: string) => {
      const generation = await startGeneration(world, { body: { model_id: MOCHI, prompt: prompt(word) } });
      return (await generation.outcome()).body;
    };
    assert.equal((await end("output_videos")).status, "completed");
    // The video is at another path than the row names.
    assert.deepEqual((await end("output_url")).error_code, "no_media");
  } finally {
    await world.sql`update models set settings_schema = settings_schema - 'output' where id = ${MOCHI}`;
  }
  await world.audit();
});

Deno.test("a webhook of RunPod without our token is unauthorized", async () => {
  const run = world.runpodSimulator?.requests.at(-1);
  const forged = (run?.webhook ?? "").replace(/token=[^&]+/, `token=${"A".repeat(43)}`);
  const response = await fetch(forged, { method: "POST", body: JSON.stringify({ id: run?.id, status: "COMPLETED" }) });
  assert.equal(response.status, 401);
  await response.body?.cancel();
});

for (
  const [name, id] of [["NUL", "a\0b"], ["a lone surrogate", "\ud800"], ["256 characters", "a".repeat(256)]] as const
) {
  Deno.test(`a webhook of RunPod whose run id has ${name} is refused, and changes nothing`, async () => {
    const generation = await startGeneration(world, { body: { model_id: WAN } });
    const webhook = world.runpodSimulator?.requests.at(-1)?.webhook;
    assert.ok(webhook);
    const response = await fetch(webhook, { method: "POST", body: JSON.stringify({ id, status: "COMPLETED" }) });
    assert.deepEqual([response.status, (await response.json()).code], [400, "validation_failed"]);
    assert.equal((await generation.outcome()).body.status, "completed");
    await world.audit();
  });
}

for (
  const [model_id, price, parameters] of [
    [VEO, 8, { durationSeconds: 8, resolution: "720p", aspectRatio: "16:9", sampleCount: 1 }],
    [VEO_HD, 10, { durationSeconds: 8, resolution: "1080p", aspectRatio: "16:9", sampleCount: 1 }],
  ] as const
) {
  Deno.test(`a video by Veo itself is found by polling, stored, and paid for once, at ${price} credits`, async () => {
    const generation = await startGeneration(world, { body: { model_id } });
    assert.deepEqual([generation.answer.status, generation.answer.body.credits_used], [200, price]);
    const operation = world.veoSimulator?.operations.at(-1);
    assert.deepEqual([operation?.prompt, operation?.parameters], [generation.body.prompt, parameters]);
    const { body } = await generation.outcome();
    assert.equal(body.status, "completed", world.functions.log.slice(-5).join("\n"));
    assert.ok((await download(body.video_url)).length > 10_000);
    assert.deepEqual(await generation.ledger(), [-price]);
    await world.audit();
  });
}

Deno.test("a video that Google's filter removed is refunded, and was submitted once", async () => {
  const before = world.veoSimulator?.submissions ?? 0;
  const body = { model_id: VEO, prompt: `A lighthouse [veo: safety] ${crypto.randomUUID()}` };
  const generation = await startGeneration(world, { body });
  const { body: end } = await generation.outcome();
  assert.deepEqual([end.status, end.error_code, end.credits_refunded], ["failed", "content_policy", 8]);
  assert.equal(world.veoSimulator?.submissions, before + 1);
  await world.audit();
});

Deno.test("a video whose sound was filtered once is tried again, for one charge", async () => {
  const before = world.veoSimulator?.submissions ?? 0;
  const body = { model_id: VEO, prompt: `A lighthouse [veo: safety_audio times=1] ${crypto.randomUUID()}` };
  const generation = await startGeneration(world, { body });
  assert.equal((await generation.outcome()).body.status, "completed");
  assert.equal(world.veoSimulator?.submissions, before + 2);
  assert.deepEqual(await generation.ledger(), [-8]);
  await world.audit();
});

Deno.test("an image that cannot be fetched fails only its own job, which is refunded, and opens no circuit", async () => {
  const before = world.veoSimulator?.submissions ?? 0;
  const body = { model_id: VEO_IMAGE, image_url: "https://nobody.invalid/image.png" };
  const generation = await startGeneration(world, { body });
  const [row] = await world.sql`select error_code from video_jobs where user_id = ${generation.user.id}`;
  assert.equal(row?.error_code, "image_rejected", JSON.stringify(generation.answer.body));
  assert.equal(await world.balance(generation.user), 100);
  assert.equal(world.veoSimulator?.submissions, before);
  const circuits = await world.sql`select provider from private.provider_circuits where provider = 'veo'`;
  assert.equal(circuits.length, 0);
  await world.audit();
});
