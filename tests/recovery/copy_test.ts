// The copy of a finished video to our Storage: what goes wrong on our side costs the user nothing.
import assert from "node:assert/strict";
import {
  assertPaidOnce,
  download,
  type Generation,
  INSTANT,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { type Fault } from "../../local/stack/gateway.ts";
import { useWorld } from "../support/harness.ts";

const UPLOAD = "/storage/v1/object/videos/";

const world = useWorld({ falSimulator: INSTANT });

function providerUrl(generation: Generation): string {
  return `${simulatorOf(world).url}/files/${generation.runs()[0]?.id}/output.mp4`;
}

async function storedFiles(generation: Generation): Promise<string[]> {
  const files = await world.sql`select name from storage.objects where name like ${`%${generation.jobId}%`}`;
  return files.map(({ name }) => String(name));
}

const FAULTS: [what: string, fault: Fault][] = [
  ["that answers 500", 500],
  ["that answers 503", 503],
  ["that refuses our key", 403],
  ["that drops the connection", "drop"],
];

for (const [what, fault] of FAULTS) {
  Deno.test(`with a Storage ${what} the job is completed with the provider's URL, and ours comes later`, async () => {
    const generation = await startGeneration(world);
    world.gateway.fail(UPLOAD, fault);
    const delivered = await generation.poll();
    world.gateway.clearFaults();
    await assertPaidOnce(world, generation, delivered);
    assert.equal(delivered.body.video_url, providerUrl(generation));

    const copied = await generation.poll();
    await assertPaidOnce(world, generation, copied);
    assert.ok(String(copied.body.video_url).startsWith(`${world.url}/storage/v1/object/sign/videos/`));
    assert.deepEqual(await download(copied.body.video_url), await download(providerUrl(generation)));
    assert.notEqual(copied.headers.get("etag"), delivered.headers.get("etag"));
    assert.equal(copied.body.completed_at, delivered.body.completed_at);
  });
}

Deno.test("an upload whose answer is lost is repeated without harm", async () => {
  const generation = await startGeneration(world);
  world.gateway.fail(UPLOAD, "drop-reply", 1);
  assert.equal((await generation.poll()).body.video_url, providerUrl(generation));
  const copied = await generation.poll();
  assert.deepEqual(await download(copied.body.video_url), await download(providerUrl(generation)));
  assert.equal((await storedFiles(generation)).length, 1);
  await assertPaidOnce(world, generation, copied);
});

Deno.test("a video that Storage has only in part is never delivered: it is copied again", async () => {
  const generation = await startGeneration(world);
  await world.sql.unsafe(`
    create function public.lose_bytes() returns trigger language plpgsql as $$
    begin
      new.metadata = jsonb_set(new.metadata, '{size}', '17');
      return new;
    end $$;
    create trigger lose_bytes before insert or update on storage.objects for each row execute function public.lose_bytes()`);
  const first = await generation.poll();
  await world.sql.unsafe("drop function public.lose_bytes cascade");
  assert.deepEqual([first.body.status, first.body.video_url], ["processing", null]);
  assert.deepEqual(await storedFiles(generation), []);

  const delivered = await generation.poll();
  assert.deepEqual(await download(delivered.body.video_url), await download(providerUrl(generation)));
  await assertPaidOnce(world, generation, delivered);
});

Deno.test("a copy that fails for a whole day is given up, and the provider's URL stays in the answers", async () => {
  const generation = await startGeneration(world);
  world.gateway.fail(UPLOAD, 500);
  const delivered = await generation.poll();
  for (let hours = 0; hours < 30; hours += 3) await generation.poll(3 * 3600);
  const tried = world.gateway.calls.length;
  const later = await generation.poll(3 * 3600);
  const uploads = world.gateway.calls.slice(tried).filter(({ path }) => path.startsWith(UPLOAD));
  world.gateway.clearFaults();
  assert.deepEqual(uploads, []);
  assert.deepEqual(later.body, delivered.body);
  await assertPaidOnce(world, generation, later);
});

Deno.test("a Storage that cannot sign a URL makes a read answer 503, and the next one works", async () => {
  const generation = await startGeneration(world);
  world.gateway.fail("/storage/v1/object/sign/", 500);
  const refused = await generation.poll();
  world.gateway.clearFaults();
  assert.deepEqual([refused.status, refused.body.code], [503, "unavailable"]);
  assert.equal(refused.headers.get("retry-after"), "2");
  await download((await generation.poll()).body.video_url);
});

Deno.test("a provider whose files fail for a while only delays a job", async () => {
  const generation = await startGeneration(world, { fal: "media_redirect_loop" });
  for (let count = 0; count < 2; count++) assert.equal((await generation.poll()).body.status, "processing");
  assert.deepEqual(await generation.ledger(), [-5]);
});
