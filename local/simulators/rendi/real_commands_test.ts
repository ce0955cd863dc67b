// The adapter's commands, really run: what they promise is measured in the files that they make.
import assert from "node:assert/strict";
import type { TemplateName } from "../../../supabase/functions/_shared/providers/rendi/rendi-commands.ts";
import { classOf, failureOf, mediaOf } from "../../../supabase/functions/_shared/providers/test_support.ts";
import { RealBench } from "./test_support.ts";

let bench: RealBench;
Deno.test.beforeAll(async () => {
  bench = await RealBench.start();
});
Deno.test.afterAll(async () => await bench?.stop());

const RATE = 24;
const FRAME = 1 / RATE;
const [RED, BLUE] = ["red", "blue"].map((colour) => `color=c=${colour}:s=160x90:r=${RATE}`);

async function make(template: TemplateName, input: Record<string, unknown>): Promise<string> {
  const { video_url, audio_url, image_url } = mediaOf(await bench.run(template, input));
  return video_url ?? audio_url ?? image_url ?? assert.fail("nothing was made");
}

Deno.test("a trimmed video has the asked length within a frame, and its sound", async () => {
  const video = await bench.source([`${RED}:d=2`, "sine=d=2"], "red.mp4");
  for (const seconds of [0.5, 1.3]) {
    const trimmed = await bench.measure(await make("trim", { video_url: video, seconds }));
    assert.ok(Math.abs(trimmed.frames * FRAME - seconds) <= FRAME, `${trimmed.frames} frames for ${seconds} s`);
    assert.ok(Math.abs(trimmed.seconds - seconds) <= FRAME, `${trimmed.seconds} for ${seconds} s`);
    assert.ok(trimmed.hasSound);
  }
});

Deno.test("joined videos have the sum of their lengths, the size of the first, each its picture, and no sound", async () => {
  const first = await bench.source([`${RED}:d=1`, "sine=d=1"], "first.mp4");
  const second = await bench.source([`color=c=blue:s=96x96:r=${RATE}:d=0.5`], "second.mp4");
  const joined = await make("join", { video_urls: [first, second, first] });
  const { frames, width, height, hasSound } = await bench.measure(joined);
  assert.deepEqual([frames, width, height, hasSound], [2.5 * RATE, 160, 90, false]);
  const shown = await Promise.all([0.9, 1.1, 1.4, 1.6].map((time) => bench.colourAt(joined, time)));
  assert.deepEqual(shown, ["red", "blue", "blue", "red"]);
});

Deno.test("music has the asked loudness, also in the mix with a silent voice, which is as long as asked", async () => {
  const video = await bench.source([`${RED}:d=3`, "sine=d=3"], "loud.mp4");
  const music = await bench.source(["anoisesrc=c=pink:d=3:a=0.1:seed=1,tremolo=f=0.5:d=0.7"], "music.mp3");
  const silence = await bench.source(["anullsrc=r=44100:cl=mono,atrim=duration=1"], "silence.mp3");
  for (const loudness of [-14, -26]) {
    const levelled = await make("loudness", { audio_url: music, loudness });
    const near = (measured: number) => assert.ok(Math.abs(measured - loudness) < 1, `${measured} for ${loudness} LUFS`);
    near(await bench.loudnessOf(levelled));
    const mixed = await make("mix", { video_url: video, audio_urls: [silence, levelled], seconds: 2.5 });
    near(await bench.loudnessOf(mixed));
    const { frames, seconds } = await bench.measure(mixed);
    assert.ok(Math.abs(seconds - 2.5) <= FRAME && frames <= 2.5 * RATE + 2, `${frames} frames, ${seconds} s`);
  }
});

Deno.test("a joined video is mixed to exactly its length", async () => {
  const part = await bench.source([`testsrc2=s=160x90:r=${RATE}:d=1.5`], "part.mp4");
  const music = await bench.source(["sine=d=1"], "short.mp3");
  const joined = await make("join", { video_urls: [part, part] });
  const { frames, seconds } = await bench.measure(
    await make("mix", { video_url: joined, audio_urls: [music], seconds: 2.5 }),
  );
  assert.deepEqual([frames, seconds], [2.5 * RATE, 2.5]);
});

Deno.test("the first and the last frame are pictures of these, also where the sound is longer", async () => {
  const [red, blue] = [await bench.source([`${RED}:d=1`], "r.mp4"), await bench.source([`${BLUE}:d=1`], "b.mp4")];
  const joined = await make("join", { video_urls: [red, blue] });
  const video = await bench.source([joined, "sine=d=3"], "longer.mp4", ["-c:v", "copy"]);
  for (const [frame, colour] of [["first", "red"], ["last", "blue"]] as const) {
    const picture = await make("frame", { video_url: video, frame });
    const { width, height } = await bench.measure(picture);
    assert.deepEqual([width, height, await bench.colourAt(picture, 0)], [160, 90, colour]);
  }
});

Deno.test("a frame of a detailed picture is made too", async () => {
  const video = await bench.source([`testsrc2=s=640x360:r=${RATE}:d=1`], "detailed.mp4");
  const { width, height } = await bench.measure(await make("frame", { video_url: video, frame: "last" }));
  assert.deepEqual([width, height], [640, 360]);
});

Deno.test("an input that cannot be downloaded, or is no video, fails the command", async () => {
  const missing = `${bench.origin}/missing.mp4`;
  const failure = async (video_url: string) =>
    classOf(failureOf(await bench.run("frame", { video_url, frame: "first" })));
  assert.equal(await failure(missing), "retryable input_unavailable");
  bench.put("page.mp4", new TextEncoder().encode("<html></html>"));
  assert.equal(await failure(`${bench.origin}/page.mp4`), "rejected provider_error");
});
