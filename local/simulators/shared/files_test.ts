import assert from "node:assert/strict";
import { ENDPOINTS } from "../fal/endpoints.ts";
import { SAMPLE } from "./samples.ts";
import { outputOf } from "../fal/outputs.ts";
import { type TestBench, withSimulator } from "../fal/test_support.ts";

async function videoOf(bench: TestBench, words: string): Promise<string> {
  const id = await bench.submit(`a fox [fal: queue=0 run=0 ${words}]`);
  await bench.pass(1);
  const { body } = await bench.call(`/fal-ai/veo3.1/requests/${id}`);
  const url = JSON.stringify(body).match(/"url":"([^"]+)"/)?.[1];
  assert.ok(url, JSON.stringify(body));
  return url;
}

Deno.test("a file is served whole, by ranges and for HEAD", () =>
  withSimulator(async (bench) => {
    const url = await videoOf(bench, "");
    const whole = await fetch(url);
    const bytes = await whole.bytes();
    assert.equal(whole.headers.get("content-type"), "video/mp4");
    assert.equal(whole.headers.get("content-length"), String(bytes.length));
    assert.equal(new TextDecoder().decode(bytes.subarray(4, 8)), "ftyp");
    const ranges = [["bytes=0-9", 0, 10], ["bytes=100-", 100, bytes.length], [
      "bytes=-7",
      bytes.length - 7,
      bytes.length,
    ]];
    for (const [range, start, end] of ranges) {
      const part = await fetch(url, { headers: { range: String(range) } });
      assert.equal(part.status, 206);
      assert.equal(part.headers.get("content-range"), `bytes ${start}-${Number(end) - 1}/${bytes.length}`);
      assert.deepEqual(await part.bytes(), bytes.slice(Number(start), Number(end)));
    }
    const beyond = await fetch(url, { headers: { range: `bytes=${bytes.length}-` } });
    assert.equal(beyond.status, 416);
    await beyond.body?.cancel();
    const head = await fetch(url, { method: "HEAD" });
    assert.equal(head.headers.get("content-length"), String(bytes.length));
    assert.equal((await head.bytes()).length, 0);
    assert.equal(bench.simulator.requests[0]?.calls.file, 6);
  }));

Deno.test("a film of any size is the sample and a free box to the last byte", () =>
  withSimulator(async (bench) => {
    const url = await videoOf(bench, "size=200mb");
    const response = await fetch(url);
    assert.equal(response.headers.get("content-length"), "200000000");
    let received = 0;
    for await (const piece of response.body ?? []) received += piece.length;
    assert.equal(received, 200_000_000);
    const sample = await Deno.readFile(new URL("sample.mp4", import.meta.url));
    const box = await fetch(url, { headers: { range: `bytes=${sample.length}-${sample.length + 15}` } });
    const view = new DataView((await box.bytes()).buffer);
    assert.equal(view.getUint32(4), 0x66726565);
    assert.equal(Number(view.getBigUint64(8)) + sample.length, 200_000_000);
  }));

Deno.test("the faults of files: dead, expired, wrong type, oversized, truncated, without a length", () =>
  withSimulator(async (bench) => {
    const get = async (words: string) => {
      const response = await fetch(await videoOf(bench, words), { redirect: "manual" });
      return { response, type: response.headers.get("content-type"), bytes: response.bytes() };
    };
    const dead = await get("media_dead");
    assert.equal(dead.response.status, 404);
    assert.equal((await get("media_wrong_type")).type, "text/html");
    const oversized = (await (await get("media_oversized")).bytes).length;
    assert.ok(oversized > 500_000, String(oversized));
    await assert.rejects((await get("media_truncated")).bytes);
    const unknown = await get("media_no_length");
    assert.equal(unknown.response.headers.get("content-length"), null);
    assert.ok((await unknown.bytes).length > 50_000);
    bench.simulator.configure({ filesExpired: true });
    assert.equal((await get("")).response.status, 404);
  }));

Deno.test("the faults of addresses: a foreign host, a private one, a loop", () =>
  withSimulator(async (bench) => {
    const foreign = await videoOf(bench, "media_foreign");
    assert.equal(new URL(foreign).hostname, "localhost");
    const inside = await fetch(await videoOf(bench, "media_private_redirect"), { redirect: "manual" });
    assert.match(inside.headers.get("location") ?? "", /^http:\/\/169\.254\.169\.254\//);
    await assert.rejects(fetch(await videoOf(bench, "media_redirect_loop")));
  }));

Deno.test("a caller's object lifetime ends its files", () =>
  withSimulator(async (bench) => {
    const id = await bench.submit("a fox [fal: queue=0 run=0]", {
      headers: { "x-fal-object-lifecycle-preference": '{"expiration_duration_seconds": 60}' },
    });
    const path = `/files/${id}/output.mp4`;
    await bench.pass(60_000);
    assert.equal((await bench.call(path)).status, 200);
    await bench.pass(1);
    assert.equal((await bench.call(path)).status, 404);
  }));

Deno.test("each endpoint has the output of its family", () => {
  const output = (id: string) => {
    const kind = ENDPOINTS[id]?.output;
    assert.ok(kind, id);
    return Object.keys(
      outputOf({
        kind,
        input: {},
        fileUrl: (name) => `https://x/${name}`,
        media: { ...SAMPLE, inputSeconds: SAMPLE.seconds },
        hugeIntegers: false,
      }),
    );
  };
  assert.deepEqual(output("fal-ai/veo3.1/first-last-frame-to-video"), ["video"]);
  assert.deepEqual(output("fal-ai/wan-flf2v"), ["video", "seed"]);
  assert.deepEqual(output("fal-ai/ffmpeg-api/compose"), ["video_url", "thumbnail_url"]);
  assert.deepEqual(output("fal-ai/ffmpeg-api/extract-frame"), ["images"]);
  assert.deepEqual(output("fal-ai/auto-caption"), ["video_url"]);
  assert.deepEqual(output("fal-ai/kokoro/american-english"), ["audio"]);
  assert.deepEqual(output("CassetteAI/music-generator"), ["audio_file"]);
});
