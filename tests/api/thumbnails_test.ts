// Every delivered video has a private thumbnail, and no video is lost, or much delayed, because of it.
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  download,
  type Generation,
  INSTANT,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { type Answer, until, useWorld } from "../support/harness.ts";
import { assertDelivered, assertNothingLeft, ENDPOINTS, PLAIN, startTransition, WHOLE } from "../support/transition.ts";

const GOOGLES_VEO = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a";
const WAN = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d";
const PATIENCE_SECONDS = 30;
const EXTRACT_FRAME = ENDPOINTS.frame;

const world = useWorld({
  falSimulator: INSTANT,
  runpodSimulator: { queueMs: 0, runMs: 0 },
  veoSimulator: { runMs: 0 },
});

Deno.test.beforeAll(async () => {
  await world.sql`update pipeline_steps set is_available = true where name = 'thumbnail'`;
});
Deno.test.beforeEach(() => {
  simulatorOf(world).clear();
  world.gateway.clearFaults();
});

/** The requests for a frame. They have no prompt, so the simulator is cleared before each test. */
const frames = () => simulatorOf(world).requests.filter(({ endpoint }) => endpoint === EXTRACT_FRAME);

async function ended(generation: Generation): Promise<Answer> {
  for (let count = 0; count < 20; count++) {
    const answer = await generation.poll(10);
    if (answer.body.status === "completed" || answer.body.status === "failed") return answer;
  }
  throw new Error("It does not end");
}

/** Fails unless the address is one of ours, signed, of a JPEG that cannot be read without the signature. */
async function assertPrivateJpeg(url: unknown): Promise<void> {
  const address = String(url);
  assert.ok(address.startsWith(`${world.url}/storage/v1/object/sign/videos/`), address);
  assert.match(new URL(address).pathname, /_thumb\.jpg$/);
  const bytes = await download(address);
  assert.deepEqual([...bytes.subarray(0, 3)], [0xff, 0xd8, 0xff]);
  const unsigned = await fetch(address.replace(/\?.*/, "").replace("/sign/", "/public/"));
  await unsigned.body?.cancel();
  assert.ok(unsigned.status >= 400, `without its signature it answered ${unsigned.status}`);
}

async function storedFiles({ jobId }: Generation): Promise<string[]> {
  const files = await world.sql`select name from storage.objects where name like ${`%${jobId}%`} order by name`;
  return files.map(({ name }) => String(name).replace(/^.*[0-9a-f]{12}(?=[._])/, ""));
}

Deno.test("the thumbnail of fal's video is its first frame, at no charge", async () => {
  const generation = await startGeneration(world);
  const end = await ended(generation);
  await assertPaidOnce(world, generation, end);
  await assertPrivateJpeg(end.body.thumbnail_url);
  const video_url = `${simulatorOf(world).url}/files/${generation.runs()[0]?.id}/output.mp4`;
  assert.deepEqual(frames().map(({ input }) => input), [{ video_url, frame_type: "first" }]);
});

Deno.test("a model's own thumbnail is used, without a request for a frame", async () => {
  const generation = await startGeneration(world, { body: { model_id: WAN } });
  const end = await ended(generation);
  await assertPaidOnce(world, generation, end);
  await assertPrivateJpeg(end.body.thumbnail_url);
  assert.equal(frames().length, 0);
  assert.equal(world.runpodSimulator?.requests.at(-1)?.calls.file, 2);
});

Deno.test("the frame of Google's video, which fal cannot read, is taken from our own copy by its signed URL", async () => {
  const generation = await startGeneration(world, { body: { model_id: GOOGLES_VEO } });
  const end = await ended(generation);
  assert.deepEqual([end.body.status, end.body.credits_refunded, await generation.ledger()], ["completed", 0, [-8]]);
  await assertPrivateJpeg(end.body.thumbnail_url);
  const [frame] = frames();
  assert.equal(frame?.input.frame_type, "first");
  assert.ok(
    String(frame?.input.video_url).startsWith(`${world.url}/storage/v1/object/sign/videos/${generation.user.id}/`),
  );
  assert.deepEqual(await download(frame?.input.video_url), await download(end.body.video_url));
  await world.audit();
});

Deno.test("a transition has a thumbnail: of its mix, or else its first frame", async () => {
  for (const [body, price, asked] of [[WHOLE, 7, 0], [PLAIN, 5, 1]] as const) {
    const transition = await startTransition(world, { body });
    const { thumbnail_url } = await assertDelivered(world, transition, await transition.outcome(), price);
    await assertPrivateJpeg(thumbnail_url);
    assert.equal(frames().length, asked);
  }
});

Deno.test("the job stays in progress until its thumbnail has ended", async () => {
  simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "hang" });
  const generation = await startGeneration(world);
  const { body } = await generation.poll(10);
  assert.deepEqual([body.status, body.video_url], ["processing", null]);
  assert.ok(typeof body.progress === "object" && body.progress !== null && "step_name" in body.progress);
  assert.equal(body.progress.step_name, "thumbnail");
  simulatorOf(world).finish(String(frames()[0]?.id));
  await assertPrivateJpeg((await ended(generation)).body.thumbnail_url);
});

for (
  const outcome of ["internal_server_error", "internal_server_error_final", "file_download_error", "no_video"] as const
) {
  Deno.test(`a thumbnail that ends in ${outcome} costs nothing: the video is delivered within its patience`, async () => {
    simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome });
    const generation = await startGeneration(world);
    await generation.poll(10);
    for (let second = 0; second < PATIENCE_SECONDS; second += 2) await generation.poll(2);
    const end = await generation.poll(2);
    await assertPaidOnce(world, generation, end);
    assert.equal(end.body.thumbnail_url, null);
    assert.deepEqual(await storedFiles(generation), [".mp4"]);
  });
}

for (const submit of ["503", "401", "bad_json", "drop_before"] as const) {
  Deno.test(`a thumbnail whose submission ends in ${submit} costs nothing either`, async () => {
    simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { submit });
    const generation = await startGeneration(world);
    await generation.poll(10);
    for (let second = 0; second < PATIENCE_SECONDS; second += 2) await generation.poll(2);
    const end = await generation.poll(2);
    await assertPaidOnce(world, generation, end);
    assert.equal(end.body.thumbnail_url, null);
  });
}

Deno.test("a thumbnail that never ends is stopped after half a minute, and the video delivered", async () => {
  simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "hang" });
  const generation = await startGeneration(world);
  await generation.poll(10);
  assert.equal((await generation.poll(PATIENCE_SECONDS - 5)).body.status, "processing");
  const end = await generation.poll(6);
  await assertPaidOnce(world, generation, end);
  assert.equal(end.body.thumbnail_url, null);
  assert.equal(frames()[0]?.cancelled, true);
});

Deno.test("a thumbnail that fails once is made again within the patience", async () => {
  simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "internal_server_error", times: 1 });
  const generation = await startGeneration(world);
  await generation.poll(10);
  for (let second = 0; second < PATIENCE_SECONDS - 4; second += 2) await generation.poll(2);
  const end = await ended(generation);
  await assertPaidOnce(world, generation, end);
  await assertPrivateJpeg(end.body.thumbnail_url);
});

for (const media of ["dead", "wrong_type", "foreign", "truncated"] as const) {
  Deno.test(`a thumbnail whose file is ${media} is left where it is, and the video delivered`, async () => {
    simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { media });
    const generation = await startGeneration(world);
    const end = await ended(generation);
    await assertPaidOnce(world, generation, end);
    assert.match(String(end.body.thumbnail_url), /\/files\/[0-9a-f-]{36}\/frame\.jpg$/);
    assert.deepEqual(await storedFiles(generation), [".mp4"]);
  });
}

Deno.test("a thumbnail that Storage does not take is served by the provider's own address", async () => {
  const generation = await startGeneration(world);
  const path = `${generation.user.id}/${generation.jobId}`;
  world.gateway.fail(`/storage/v1/object/videos/${path}_thumb.jpg`, 500);
  const end = await ended(generation);
  await assertPaidOnce(world, generation, end);
  const provided = `${simulatorOf(world).url}/files/${frames()[0]?.id}/frame.jpg`;
  assert.equal(end.body.thumbnail_url, provided);
  assert.ok(String(end.body.video_url).startsWith(`${world.url}/storage/v1/object/sign/videos/${path}.mp4`));
});

Deno.test("while Storage fails video and thumbnail have the provider's addresses, later ours", async () => {
  const generation = await startGeneration(world);
  world.gateway.fail("/storage/v1/object/videos/", 500);
  const delivered = await ended(generation);
  await assertPaidOnce(world, generation, delivered);
  assert.match(String(delivered.body.thumbnail_url), /\/frame\.jpg$/);
  world.gateway.clearFaults();
  const copied = await generation.poll(20);
  await assertPrivateJpeg(copied.body.thumbnail_url);
  await assertPaidOnce(world, generation, copied);
});

Deno.test("a Storage in trouble while Google's video waits for its frame costs no more than the thumbnail", async () => {
  const generation = await startGeneration(world, { body: { model_id: GOOGLES_VEO } });
  world.gateway.fail("/storage/v1/object/videos/", 500);
  for (let second = 0; second < PATIENCE_SECONDS + 10; second += 5) await generation.poll(5);
  world.gateway.clearFaults();
  const end = await ended(generation);
  assert.deepEqual([end.body.status, await generation.ledger()], ["completed", [-8]]);
  const copied = await generation.poll(60);
  assert.ok((await download(copied.body.video_url)).length > 10_000);
  await world.audit();
});

Deno.test("a video deleted with its thumbnail leaves neither", async () => {
  const generation = await startGeneration(world);
  const { body } = await ended(generation);
  assert.deepEqual(await storedFiles(generation), [".mp4", "_thumb.jpg"]);
  await world.call("videos", { method: "DELETE", user: generation.user, body: { job_ids: [generation.jobId] } });
  await assertNothingLeft(world, generation.jobId);
  const gone = await fetch(String(body.thumbnail_url));
  await gone.body?.cancel();
  assert.ok(gone.status >= 400);
});

Deno.test("Google's video deleted while its frame is taken leaves no copy, and its frame is stopped", async () => {
  simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "hang" });
  const generation = await startGeneration(world, { body: { model_id: GOOGLES_VEO } });
  for (let count = 0; count < 10 && frames().length === 0; count++) await generation.poll(10);
  assert.deepEqual(await storedFiles(generation), [".mp4"]);
  await world.call("videos", { method: "DELETE", user: generation.user, body: { job_ids: [generation.jobId] } });
  await assertNothingLeft(world, generation.jobId);
  await until("the frame is stopped", () => frames()[0]?.cancelled === true);
  assert.deepEqual(await generation.ledger(), [-8, 8]);
  await world.audit();
});

for (const path of ["videos", "account"]) {
  Deno.test(`what DELETE /${path} finds still being copied for its frame is deleted once it is there`, async () => {
    simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "hang" });
    const generation = await startGeneration(world, { body: { model_id: GOOGLES_VEO } });
    await world.sql.unsafe(`
      create function private.test_slow() returns trigger language plpgsql as $$ begin
        perform pg_sleep(1); return new; end $$;
      create trigger test_slow before insert on storage.objects for each row execute function private.test_slow()`);
    try {
      const polling = generation.poll(20);
      await until("the copy is under way", async () => {
        const sleeping = await world.sql`select from pg_stat_activity where wait_event = 'PgSleep'`;
        return sleeping.length > 0;
      });
      const body = path === "videos" ? { job_ids: [generation.jobId] } : undefined;
      const answer = await world.call(path, { method: "DELETE", user: generation.user, body });
      assert.equal(answer.status, 200);
      await polling;
    } finally {
      await world.sql`drop function private.test_slow cascade`;
    }
    await assertNothingLeft(world, generation.jobId);
    assert.ok(frames().every(({ cancelled }) => cancelled));
    assert.deepEqual(await generation.ledger(), [-8, 8]);
    await world.audit();
  });
}
