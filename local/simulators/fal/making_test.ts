import assert from "node:assert/strict";
import { FfmpegError } from "../ffmpeg/engine.ts";
import { Studio } from "../studio/studio.ts";
import { withSimulator } from "./test_support.ts";

/** A studio in which every run of ffmpeg fails. */
class BrokenStudio extends Studio {
  override make(): Promise<never> {
    const log = `${"frame=1 ".repeat(200)}\n[AVFilterGraph] No such filter: 'louder'\nError opening output file`;
    return Promise.reject(new FfmpegError("ffmpeg ended with 8", log));
  }
}

Deno.test("what ffmpeg says last when it fails is one line of the log, since fal's answer does not say it", async () => {
  const notes: string[] = [];
  const studio = new BrokenStudio((line) => notes.push(line));
  const endpoint = "fal-ai/ffmpeg-api/loudnorm";
  await withSimulator(async ({ call, pass }) => {
    const submitted = await call(`/${endpoint}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ audio_url: "https://example.com/voice.mp3" }),
    });
    assert.equal(submitted.status, 200);
    for (let seconds = 0; seconds < 60; seconds += 10) await pass(10_000);
    const answer = await call(`/fal-ai/ffmpeg-api/requests/${submitted.body.request_id}`);
    assert.equal(answer.status, 500, JSON.stringify(answer.body));
    assert.doesNotMatch(JSON.stringify(answer.body), /louder/);
  }, { studio });
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? "", /^fal-ai\/ffmpeg-api\/loudnorm: .*No such filter: 'louder' Error opening output file$/);
  assert.ok((notes[0] ?? "").length < 400, notes[0]);
});
