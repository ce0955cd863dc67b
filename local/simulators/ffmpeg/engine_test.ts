import assert from "node:assert/strict";
import { type FfmpegEngine, FfmpegError, findFfmpeg } from "./engine.ts";
import { parseProbe } from "./probe.ts";

const sample = await Deno.readFile(new URL("../shared/sample.mp4", import.meta.url));

async function withEngine(work: (engine: FfmpegEngine) => Promise<void>): Promise<void> {
  const engine = await findFfmpeg();
  assert.ok(engine !== null, "this test needs ffmpeg, or npm to fetch @ffmpeg/core");
  try {
    await work(engine);
  } finally {
    await engine.stop();
  }
}

Deno.test("a run reads its inputs and gives its outputs; what it wrote is gone in the next run", async () => {
  await withEngine(async (ffmpeg) => {
    assert.deepEqual(await ffmpeg.probe(sample), {
      seconds: 4,
      width: 640,
      height: 360,
      framesPerSecond: 24,
      hasSound: true,
    });
    const cut = {
      arguments: ["-i", "in.mp4", "-t", "0.5", "-vf", "scale=64:36", "-preset", "ultrafast", "out.mp4"],
      inputs: { "in.mp4": sample },
      outputs: ["out.mp4"],
      timeoutSeconds: 60,
    };
    const { "out.mp4": film } = await ffmpeg.run(cut);
    assert.ok(film !== undefined);
    const { seconds, width } = await ffmpeg.probe(film);
    assert.ok(seconds >= 0.5 && seconds < 0.6);
    assert.equal(width, 64);
    await assert.rejects(ffmpeg.run({ ...cut, arguments: ["-i", "in.mp4", "-f", "null", "-"] }), FfmpegError);
    await assert.rejects(ffmpeg.run({ ...cut, arguments: ["-i", "missing.mp4", "out.mp4"] }), FfmpegError);
    await assert.rejects(
      ffmpeg.run({ ...cut, arguments: ["-i", "http://127.0.0.1:1/in.mp4", "out.mp4"] }),
      FfmpegError,
    );
  });
});

Deno.test("a run that takes too long fails, and the next one works", async () => {
  await withEngine(async (ffmpeg) => {
    const endless = ["-f", "lavfi", "-i", "testsrc=size=640x360", "-f", "null", "-"];
    await assert.rejects(
      ffmpeg.run({ arguments: endless, inputs: {}, outputs: [], timeoutSeconds: 1 }),
      /took longer than 1 s/,
    );
    assert.equal((await ffmpeg.probe(sample)).seconds, 4);
  });
});

Deno.test("a file with a name that leaves the folder is refused", async () => {
  await withEngine(async (ffmpeg) => {
    for (const name of ["../in", "/in", "a/b/c", "-y", "a:b", "a b", ""]) {
      const command = { arguments: [], inputs: { [name]: sample }, outputs: [], timeoutSeconds: 1 };
      await assert.rejects(ffmpeg.run(command), /is no name of a file/);
    }
  });
});

Deno.test("a description of sound, of a picture and of nothing is understood", () => {
  const sound = "Input #0, mp3\n  Duration: 00:01:02.50, start: 0\n  Stream #0:0: Audio: mp3, 44100 Hz, stereo";
  assert.deepEqual(parseProbe(sound), { seconds: 62.5, width: 0, height: 0, framesPerSecond: 0, hasSound: true });
  const picture = "  Duration: N/A, bitrate: N/A\n  Stream #0:0: Video: png, rgb24, 64x36, 25 fps, 25 tbr";
  assert.deepEqual(parseProbe(picture), { seconds: 0, width: 64, height: 36, framesPerSecond: 25, hasSound: false });
  assert.equal(parseProbe("file: Invalid data found when processing input"), null);
});
