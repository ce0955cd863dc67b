// Supabase's hosted runtime is compatible with Deno 2.1 and no newer: all functions must work there.
import assert from "node:assert/strict";
import { z } from "zod";
import { projectPath } from "../../local/machine/project.ts";
import { testConcurrentRequests } from "../support/runtime-tests/concurrency.ts";
import { testWholeFlow } from "../support/runtime-tests/flow.ts";
import {
  assertPaidOnce,
  assertRefundedOnce,
  download,
  ENDLESS,
  INSTANT,
  PRICE,
  startGeneration,
} from "../support/generation.ts";
import { KLING, useWorld } from "../support/harness.ts";
import { startTransition, WHOLE_PRICE } from "../support/transition.ts";

const HOSTED_DENO = "deno@2.1.14";

const functions = Array.from(Deno.readDirSync(projectPath("supabase/functions")))
  .filter(({ isDirectory, name }) => isDirectory && !name.startsWith("_"))
  .map(({ name }) => name);

/** The functions as they are deployed, where the configuration of the project's root does not reach. */
async function copyOfFunctions(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "reelmint-hosted-" });
  await copyFolder(projectPath("supabase/functions"), folder);
  return folder;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(`${from}/${name}`, `${to}/${name}`);
    else await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
  }
}

/** The files to check or run, without the tests against a simulator: it is not deployed, and needs the newer Deno. */
async function findSources(folder: string): Promise<string[]> {
  const found = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await findSources(path));
    else if (name.endsWith(".ts")) found.push(path);
  }
  return found;
}

/** Runs the hosted runtime's Deno on files of a copy, in the folder of a function for its deno.json; its output. */
async function runHostedDeno(args: string[], choose: (file: string) => boolean): Promise<string> {
  const folder = await copyOfFunctions();
  try {
    const files = (await findSources(folder)).filter(choose);
    assert.ok(files.length > 0);
    const { success, stdout, stderr } = await new Deno.Command("npx", {
      args: ["-y", HOSTED_DENO, ...args, "--no-lock", ...files],
      cwd: `${folder}/generate-video`,
      env: { DENO_TLS_CA_STORE: "system", NO_COLOR: "1" },
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(success, output.split("\n").filter((line) => !/\.\.\. ok|^Check /.test(line)).join("\n"));
    return output;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("every function has the same deno.json, so that what is checked with one holds for all", async () => {
  const read = (name: string) => Deno.readTextFile(projectPath(`supabase/functions/${name}/deno.json`));
  const first = await read("generate-video");
  for (const name of functions) assert.equal(await read(name), first, name);
});

Deno.test("everything under supabase/functions type-checks under the hosted runtime's Deno", async () => {
  await runHostedDeno(["check"], () => true);
});

Deno.test("the unit tests beside the functions pass under the hosted runtime's Deno", async () => {
  const output = await runHostedDeno(["test", "-A", "--no-check"], (file) => file.endsWith("_test.ts"));
  assert.match(output, /\| \d{3,} passed \| 0 failed/);
});

testWholeFlow(useWorld({ falSimulator: ENDLESS, functionsRuntime: "2.1.14" }));

const world = useWorld({ falSimulator: INSTANT, functionsRuntime: "2.1.14" });

testConcurrentRequests(world);

const body = { model_id: KLING, prompt: "A lighthouse" };
const key = { "Idempotency-Key": "a-key" };

/** The main error answers of POST /generate-video, and the requests that get them from a user without credits. */
const REFUSALS: [status: number, code: string, request: { headers?: HeadersInit; body?: unknown; method?: string }][] =
  [
    [400, "idempotency_key_required", { body }],
    [400, "idempotency_key_invalid", { body, headers: { "Idempotency-Key": "a key with spaces" } }],
    [400, "invalid_json", { body: "{", headers: key }],
    [400, "validation_failed", { body: { ...body, prompt: "" }, headers: key }],
    [400, "validation_failed", { body: { ...body, settings: { duration: 60 } }, headers: key }],
    [402, "insufficient_credits", { body, headers: key }],
    [403, "forbidden", { body: { ...body, user_id: KLING }, headers: key }],
    [404, "model_not_found", { body: { ...body, model_id: crypto.randomUUID() }, headers: key }],
    [405, "method_not_allowed", { method: "PUT", headers: key }],
    [413, "payload_too_large", { body: { ...body, prompt: "a".repeat(70_000) }, headers: key }],
  ];

for (const [status, code, request] of REFUSALS) {
  Deno.test(`under the hosted runtime's Deno a request is refused with ${status} ${code}`, async () => {
    const answer = await world.call("generate-video", { user: await world.newUser(PRICE - 1), ...request });
    assert.deepEqual([answer.status, answer.body.code], [status, code]);
    assert.equal(answer.body.request_id, answer.headers.get("x-request-id"));
  });
}

for (const token of [undefined, "not.a.token"]) {
  Deno.test(`under the hosted runtime's Deno a request with the token ${token} is refused with 401`, async () => {
    const headers: HeadersInit = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    const answer = await world.call("get-video-status?job_id=" + KLING, { method: "GET", headers });
    assert.deepEqual([answer.status, answer.body.error, answer.body.code], [401, "Unauthorized", "unauthorized"]);
  });
}

Deno.test("under the hosted runtime's Deno a refused submission answers 500, refunded", async () => {
  const generation = await startGeneration(world, { fal: "submit_locked" });
  assert.deepEqual([generation.answer.status, generation.answer.body.code], [500, "provider_failed"]);
  await assertRefundedOnce(world, generation, await generation.poll(), "provider_locked");
});

Deno.test("under the hosted runtime's Deno a lost submission is sent once, and once more after the grace time", async () => {
  // Twice, since only the second request finds a connection that it may use again.
  for (let count = 0; count < 2; count++) {
    const generation = await startGeneration(world, { fal: "submit_drop_after times=1" });
    assert.deepEqual([generation.answer.status, generation.runs().length], [200, 1]);
    await assertPaidOnce(world, generation, await generation.outcome());
    assert.equal(generation.runs().length, 2);
  }
});

Deno.test("under the hosted runtime's Deno a file that breaks off is not delivered", async () => {
  const generation = await startGeneration(world, { fal: "media_truncated" });
  const { body } = await generation.poll();
  assert.deepEqual([body.status, body.video_url], ["processing", null]);
});

Deno.test("under the hosted runtime's Deno a transition is delivered with all its extras", async () => {
  const transition = await startTransition(world);
  const { state, result } = (await transition.outcome()).body;
  assert.equal(state, "SUCCESS");
  const urls = z.object({ video_url: z.url(), thumbnail_url: z.url(), subtitles_url: z.url() }).parse(result);
  assert.match(new TextDecoder().decode(await download(urls.subtitles_url)), /^WEBVTT\n[^]*First subtitle\n$/);
  await Promise.all([download(urls.video_url), download(urls.thumbnail_url)]);
  assert.deepEqual(await transition.ledger(), [-WHOLE_PRICE]);
});
