// What a developer sees on one machine: the media of simulated runs are made by ffmpeg as they were asked for, and the tools
// do to them what they are asked to.
import assert from "node:assert/strict";
import type { FfmpegEngine } from "../../local/simulators/ffmpeg/engine.ts";
import { measureLoudness } from "../../local/simulators/fal/media-run.ts";
import { download, INSTANT, simulatorOf } from "../support/generation.ts";
import { type Answer, KLING, type TestUser, until } from "../support/harness.ts";
import { useProductWorld } from "../support/products.ts";
import { PLAIN, postTransition, resultOf, taskStatus } from "../support/transition.ts";

/** The rate of the videos of these models. */
const FRAME_SECONDS = 1 / 30;
/** `music_volume` of a request that names none: 50. */
const MUSIC_LUFS = -20;
const PORTRAIT = { duration: 3, aspect_ratio: "9:16" };
/** Of the videos here: larger ones take longer, and prove nothing more. */
const SHORTEST_SIDE = 144;

const world = useProductWorld({
  media: "made",
  mediaShortestSide: SHORTEST_SIDE,
  webhooks: true,
  falSimulator: INSTANT,
});

async function engine(): Promise<FfmpegEngine> {
  const found = await world.studio?.engine();
  assert.ok(found, "these tests need ffmpeg, or npm to fetch @ffmpeg/core");
  return found;
}

/** The video of a transition, whose runs take as long as ffmpeg needs. */
async function transition(user: TestUser, options: Record<string, unknown>): Promise<Uint8Array> {
  const started = await postTransition(world, user, { ...PLAIN, ...options }, {
    "Idempotency-Key": crypto.randomUUID(),
  });
  assert.equal(started.status, 202, JSON.stringify(started.body));
  const last = await waitFor(() => taskStatus(world, user, started.body.task_id), ({ body }) => body.ready === true);
  assert.equal(last.body.state, "SUCCESS", JSON.stringify(last.body));
  return await download(resultOf(last).video_url);
}

/** A video of the same prompt: two with the same settings are the same. */
async function video(user: TestUser, settings: Record<string, unknown>): Promise<Uint8Array> {
  const started = await world.generate(user, { body: { model_id: KLING, prompt: "A paper boat", settings } });
  assert.equal(started.status, 200, JSON.stringify(started.body));
  const ended = await waitFor(
    () => world.status(user, started.body.job_id),
    ({ body }) => body.status === "completed" || body.status === "failed",
  );
  assert.equal(ended.body.status, "completed", JSON.stringify(ended.body));
  return await download(ended.body.video_url);
}

async function waitFor(ask: () => Promise<Answer>, isOver: (answer: Answer) => boolean): Promise<Answer> {
  let answer = await ask();
  await until("it is over", async () => isOver(answer = await ask()), 120_000);
  return answer;
}

function isWithinAFrame(seconds: number, asked: number): boolean {
  return Math.abs(seconds - asked) <= FRAME_SECONDS;
}

Deno.test("a transition of 20 seconds is joined of several runs, with music as loud as asked", async () => {
  const film = await transition(await world.newUser(), { duration: 20, enable_music: true });
  const ffmpeg = await engine();
  const { seconds, framesPerSecond, hasSound } = await ffmpeg.probe(film);
  assert.ok(isWithinAFrame(seconds, 20), `${seconds} s`);
  assert.equal(framesPerSecond, 30);
  assert.ok(hasSound);
  const loudness = await measureLoudness(ffmpeg, film);
  assert.ok(Math.abs(loudness - MUSIC_LUFS) <= 1, `${loudness} LUFS`);
});

Deno.test("a simulated video has the asked length, shape, frame rate and sound", async () => {
  const { seconds, ...shape } = await (await engine()).probe(await video(await world.newUser(), PORTRAIT));
  assert.ok(isWithinAFrame(seconds, PORTRAIT.duration), `${seconds} s`);
  assert.deepEqual(shape, { width: SHORTEST_SIDE, height: 256, framesPerSecond: 30, hasSound: true });
});

Deno.test("a transition of 2 seconds is cut from a longer run", async () => {
  const { seconds, hasSound } = await (await engine()).probe(await transition(await world.newUser(), { duration: 2 }));
  assert.ok(isWithinAFrame(seconds, 2), `${seconds} s`);
  assert.ok(!hasSound, "the model's own sound is switched off");
});

Deno.test("the tools of fal and of rendi draw subtitles into the picture during their time, and at no other", async () => {
  const ffmpeg = await engine();
  const user = await world.newUser();
  const subtitles = [{ startTime: 1, endTime: 2, text: "{\\pos(0,0)} <b>ğ夜</b> \\N" }];
  const plain = await video(user, PORTRAIT);
  for (const provider of ["fal", "rendi"]) {
    await world.sql`update pipeline_steps set provider = ${provider} where name = 'subtitles'`;
    const drawn = await video(user, { ...PORTRAIT, enable_subtitles: true, subtitles, burn_in: true });
    const [before = 0, during = 0, after = 0] = await Promise.all(
      [0.5, 1.5, 2.5].map((at) => difference(ffmpeg, plain, drawn, at)),
    );
    assert.ok(during > 3 && before < 1 && after < 1, `${provider}: it differs by ${before}, ${during}, ${after}`);
  }
});

Deno.test("a simulated video that begins with an image shows it, in its shape", async () => {
  const image = { url: `${simulatorOf(world).url}/files/sample/output.jpg`, givesShape: true };
  const request = {
    model: "m",
    prompt: "",
    seconds: 0.5,
    width: 144,
    height: 256,
    framesPerSecond: 10,
    hasSound: false,
  };
  const made = await world.studio?.video({ ...request, image });
  assert.deepEqual([made?.measures.width, made?.measures.height], [256, 144]);
  const plain = await world.studio?.video({ ...request, width: 256, height: 144 });
  const [one, other] = [made, plain].map((video) => video?.files.mp4?.bytes ?? new Uint8Array());
  assert.ok(one !== undefined && other !== undefined);
  assert.ok(await difference(await engine(), one, other, 0.2) > 10);
});

/** How much the lower fifth of two videos differs on average at a time, of 255. */
async function difference(ffmpeg: FfmpegEngine, one: Uint8Array, other: Uint8Array, at: number): Promise<number> {
  const [a, b] = await Promise.all([one, other].map((film) => lowerFifth(ffmpeg, film, at)));
  assert.ok(a !== undefined && b !== undefined && a.length === b.length && a.length > 0);
  return a.reduce((sum, value, index) => sum + Math.abs(value - (b[index] ?? 0)), 0) / a.length;
}

async function lowerFifth(ffmpeg: FfmpegEngine, film: Uint8Array, at: number): Promise<Uint8Array> {
  const { "frame.gray": frame } = await ffmpeg.run({
    arguments: [
      "-ss",
      String(at),
      "-i",
      "in",
      "-frames:v",
      "1",
      "-vf",
      "crop=iw:ih/5:0:ih*4/5,format=gray",
      "-f",
      "rawvideo",
      "frame.gray",
    ],
    inputs: { in: film },
    outputs: ["frame.gray"],
    timeoutSeconds: 60,
  });
  return frame ?? new Uint8Array();
}
