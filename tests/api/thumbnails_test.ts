// Every delivered video gets a private thumbnail, and no video is lost, delayed or refunded because of it.
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
import { delivered, frameAskedFor, framesOf, openThumbnails, thumbnailEnded } from "../support/thumbnail.ts";
import { assertDelivered, assertNothingLeft, ENDPOINTS, PLAIN, startTransition, WHOLE } from "../support/transition.ts";

const GOOGLES_VEO = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a";
const WAN = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d";
const PATIENCE_SECONDS = 600;
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

const frames = () => framesOf(world);

/** The job when it is delivered, and its thumbnail is there or given up. */
async function ended(generation: Generation): Promise<Answer> {
  await delivered(generation);
  await thumbnailEnded(world, generation.jobId);
  return await generation.poll(0);
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
    await assertDelivered(world, transition, await transition.outcome(), price);
    await thumbnailEnded(world, transition.taskId);
    const { thumbnail_url } = await assertDelivered(world, transition, await transition.outcome(), price);
    await assertPrivateJpeg(thumbnail_url);
    assert.equal(frames().length, asked);
  }
});

Deno.test("a video is delivered at once, and its thumbnail appears later as a change of the job", async () => {
  simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "hang" });
  const generation = await startGeneration(world);
  const first = await delivered(generation);
  await assertPaidOnce(world, generation, first);
  assert.ok(String(first.body.video_url).includes("/storage/v1/object/sign/videos/"));
  assert.deepEqual([first.body.thumbnail_url, Object(first.body.progress).steps], [null, 1]);
  await until("the frame is asked for", () => frames().length === 1);

  const etag = String(first.headers.get("etag"));
  const ask = () =>
    world.call(`get-video-status?job_id=${generation.jobId}`, {
      method: "GET",
      user: generation.user,
      headers: { "If-None-Match": etag },
    });
  assert.equal((await ask()).status, 304);
  const since = Date.parse(String(first.body.updated_at)) + 2000;
  await world.travel(10);
  simulatorOf(world).finish(String(frames()[0]?.id));
  await thumbnailEnded(world, generation.jobId);
  const changed = await ask();
  await assertPrivateJpeg(changed.body.thumbnail_url);
  const list = await world.call(`videos?updated_since=${since}`, { method: "GET", user: generation.user });
  assert.deepEqual(Object(list.body.videos).map(({ job_id }: Record<string, unknown>) => job_id), [generation.jobId]);
  const { video_url: _, thumbnail_url: __, updated_at: ___, ...before } = first.body;
  const { video_url: ____, thumbnail_url: _____, updated_at: ______, ...after } = changed.body;
  assert.deepEqual(after, before);
});

for (
  const outcome of ["internal_server_error", "internal_server_error_final", "file_download_error", "no_video"] as const
) {
  Deno.test(`a thumbnail that ends in ${outcome} changes nothing: the video was delivered before`, async () => {
    simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome });
    const generation = await startGeneration(world);
    const end = await ended(generation);
    await assertPaidOnce(world, generation, end);
    assert.deepEqual([end.body.thumbnail_url, end.body.skipped_extras], [null, []]);
    assert.deepEqual(await storedFiles(generation), [".mp4"]);
    assert.ok(frames().length <= 4, `${frames().length} attempts`);
  });
}

for (const submit of ["503", "401", "bad_json", "drop_before"] as const) {
  Deno.test(`a thumbnail whose submission ends in ${submit} costs nothing either`, async () => {
    simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { submit });
    const generation = await startGeneration(world);
    const end = await ended(generation);
    await assertPaidOnce(world, generation, end);
    assert.equal(end.body.thumbnail_url, null);
  });
}

Deno.test("a thumbnail that never ends is given up after ten minutes, and its run is stopped", async () => {
  simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "hang" });
  const generation = await startGeneration(world);
  await delivered(generation);
  await frameAskedFor(world);
  await world.travel(PATIENCE_SECONDS - 30);
  await world.tick();
  assert.equal(await openThumbnails(world), 1);
  await world.travel(40);
  await world.tick();
  assert.equal(await openThumbnails(world), 0);
  await world.tick();
  assert.equal(frames()[0]?.cancelled, true);
  const end = await generation.poll(0);
  await assertPaidOnce(world, generation, end);
  assert.equal(end.body.thumbnail_url, null);
});

Deno.test("a thumbnail that fails once is made again", async () => {
  simulatorOf(world).script({ endpoint: EXTRACT_FRAME }, { outcome: "internal_server_error", times: 1 });
  const generation = await startGeneration(world);
  const end = await ended(generation);
  await assertPaidOnce(world, generation, end);
  await assertPrivateJpeg(end.body.thumbnail_url);
});

for (const lost of ["record_thumbnail_run", "record_thumbnail"]) {
  Deno.test(`a thumbnail whose ${lost} is lost is made by another worker`, async () => {
    const generation = await startGeneration(world);
    world.gateway.fail(`/rest/v1/rpc/${lost}`, 500);
    await delivered(generation);
    await until("the frame is asked for", () => frames().length === 1);
    await world.travel(10);
    await world.tick();
    await world.functions.rest();
    world.gateway.clearFaults();
    const end = await ended(generation);
    await assertPaidOnce(world, generation, end);
    await assertPrivateJpeg(end.body.thumbnail_url);
    assert.equal(await openThumbnails(world), 0);
  });
}

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
  const before = await ended(generation);
  await assertPaidOnce(world, generation, before);
  assert.match(String(before.body.thumbnail_url), /\/frame\.jpg$/);
  world.gateway.clearFaults();
  const copied = await generation.poll(20);
  await assertPrivateJpeg(copied.body.thumbnail_url);
  await assertPaidOnce(world, generation, copied);
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
