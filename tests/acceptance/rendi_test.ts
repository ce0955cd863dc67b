// Every step that Rendi can do is done by Rendi: a transition of several runs, with all extras, by real ffmpeg.
import assert from "node:assert/strict";
import { differingBox, pictureOf } from "../../local/simulators/rendi/test_support.ts";
import { download, INSTANT, simulatorOf } from "../support/generation.ts";
import { until } from "../support/harness.ts";
import { useProductWorld } from "../support/products.ts";
import { thumbnailEnded } from "../support/thumbnail.ts";
import { PLAIN, postTransition, resultOf, SUBTITLED, taskStatus, VOICED } from "../support/transition.ts";

/** Two runs of three seconds: as much as a test has time for where ffmpeg is WebAssembly. */
const SECONDS = 6;
const FRAME_SECONDS = 1 / 30;
const STEPS = ["trim", "join", "mix", "loudness", "frame", "thumbnail", "subtitles"];
/** Longer than any pause between two checks. */
const NEXT_LOOK_SECONDS = 20;

const world = useProductWorld({ media: "made", falSimulator: INSTANT, rendiSimulator: { queueMs: 0, runMs: 0 } });

/** Waits until nothing is being made: the jobs' time must not run meanwhile. */
async function nothingUnderWay(): Promise<void> {
  await until(
    "the runs at fal end",
    () => simulatorOf(world).requests.every(({ state }) => state === "COMPLETED"),
    300_000,
  );
  await world.rendiSimulator?.tick();
}

Deno.test("with a row for each step, Rendi joins, levels, mixes, draws and pictures a transition of several runs", async () => {
  await world.sql`update pipeline_steps set provider = 'rendi' where name = any(${STEPS})`;
  await world.sql`
    update models set settings_schema = jsonb_set(settings_schema, '{segments,maximum}', '3')
    where settings_schema ? 'segments'`;
  const user = await world.newUser();
  const body = { ...PLAIN, ...VOICED, ...SUBTITLED, burn_in: true, enable_music: true, duration: SECONDS };
  const started = await postTransition(world, user, body, { "Idempotency-Key": crypto.randomUUID() });
  assert.equal(started.status, 202, JSON.stringify(started.body));

  let last = await taskStatus(world, user, started.body.task_id);
  for (let count = 0; !last.body.ready && count < 60; count++) {
    await nothingUnderWay();
    await world.travel(NEXT_LOOK_SECONDS);
    last = await taskStatus(world, user, started.body.task_id);
  }
  await thumbnailEnded(world, started.body.task_id);
  const result = resultOf(await taskStatus(world, user, started.body.task_id));
  assert.deepEqual([result.skipped_extras, result.credits_refunded], [[], 0]);

  const made = world.rendiSimulator?.commands.map(({ request }) => Object.keys(request.output_files).join()) ?? [];
  assert.deepEqual(made, [
    "out_audio",
    "out_image",
    "out_video",
    "out_video",
    "out_subtitles,out_video",
    "out_image",
  ]);
  const ffmpeg = await world.studio?.engine();
  assert.ok(ffmpeg, "this test needs ffmpeg, or npm to fetch @ffmpeg/core");
  const film = await download(result.video_url);
  const { seconds, hasSound } = await ffmpeg.probe(film);
  assert.ok(Math.abs(seconds - SECONDS) <= FRAME_SECONDS && hasSound, `${seconds} s`);
  const mixed = world.rendiSimulator?.commands[3]?.made?.out_video?.bytes;
  assert.ok(mixed);
  const drawnAt = async (time: number) =>
    differingBox(await pictureOf(ffmpeg, mixed, time), await pictureOf(ffmpeg, film, time));
  assert.ok(await drawnAt(1), "the text is in the picture");
  assert.equal(await drawnAt(4), null, "the picture is as it was when its time is over");
  assert.equal((await ffmpeg.probe(await download(result.thumbnail_url))).hasSound, false);
  await world.audit();
});
