import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import type { Database } from "../database/database.types.ts";
import type { Job } from "../database/records.ts";
import { ServerTiming } from "../runtime/server-timing.ts";
import { SignedUrlCache } from "../storage/signed-url-cache.ts";
import type { JobContext } from "./context.ts";
import { entityTag, jobView, jobViews } from "./view.ts";

const LIFE_MS = 3_600_000;

/** A context whose Storage counts its calls, and whose URLs say when they end. */
function contextWithStorage() {
  const calls: string[][] = [];
  const sign = (_input: unknown, init?: RequestInit) => {
    const { paths, expiresIn } = JSON.parse(String(init?.body));
    calls.push(paths);
    const end = Date.now() + expiresIn * 1000;
    return Promise.resolve(Response.json(
      paths.map((path: string) => ({ path, error: null, signedURL: `/object/sign/videos/${path}?ends=${end}` })),
    ));
  };
  const context: JobContext = {
    requestId: "request",
    language: "en",
    timing: new ServerTiming(),
    log: () => {},
    userId: "user",
    hasKey: false,
    logFields: {},
    client: createClient<Database>("http://storage.test", "sb_secret_test", {
      auth: { persistSession: false, autoRefreshToken: false },
      global: { fetch: sign },
    }),
    providers: { get: () => assert.fail("no provider"), has: () => false },
    environment: { VIDEO_STORAGE: "supabase", SIGNED_URL_SECONDS: LIFE_MS / 1000 },
    signedUrls: new SignedUrlCache(() => Date.now()),
    random: () => 0,
    pause: () => Promise.resolve(),
  };
  return { context, calls };
}

/** Runs a test with a clock of its own. */
async function withClock(test: (time: { now: number }) => Promise<void>): Promise<void> {
  const real = Date.now;
  const time = { now: real() };
  Date.now = () => time.now;
  try {
    await test(time);
  } finally {
    Date.now = real;
  }
}

function finishedJob(id: string): Job {
  return {
    job_id: id,
    id: 1,
    user_id: "user",
    kind: "generation",
    status: "completed",
    video_path: `user/${id}.mp4`,
    video_url: null,
    thumbnail_path: `user/${id}.jpg`,
    thumbnail_url: null,
    subtitles_path: null,
    skipped_extras: [],
    created_at: "2026-11-21T12:00:00Z",
    completed_at: "2026-11-21T12:01:00Z",
    prompt: "a cat",
    model_id: "model",
    settings: {},
    node_id: null,
    credits_used: 5,
    credits_refunded: 0,
    error_code: null,
    error_message: null,
    attempts: 1,
    provider: { name: "fal", model: "test", request_id: "run" },
    progress: { percent: 100, stage: "completed", step: 1, steps: 1, step_name: "generate", queue_position: null },
    updated_at: "2026-11-21T12:01:00Z",
    version: "1",
    poll_after_ms: null,
  };
}

Deno.test("a client that gets 304 has URLs that work for half of their life still", async () => {
  await withClock(async (time) => {
    const { context, calls } = contextWithStorage();
    const job = finishedJob("a");
    let known = { tag: "", ends: 0 };
    const start = time.now;
    for (; time.now < start + 3 * LIFE_MS; time.now += 59_999) {
      const tag = entityTag(context, job);
      if (tag !== known.tag) {
        const url = String((await jobView(context, job)).video_url);
        known = { tag, ends: Number(new URL(url).searchParams.get("ends")) };
      }
      // Another client, which knows no tag.
      await jobView(context, job);
      assert.ok(known.ends - time.now >= LIFE_MS / 2, `${known.ends - time.now} ms are left`);
    }
    assert.ok(calls.length === 6 || calls.length === 7, `${calls.length} calls in three lives`);
  });
});

Deno.test("jobs in one answer cost one call to Storage, and later answers with them none", async () => {
  await withClock(async () => {
    const { context, calls } = contextWithStorage();
    const jobs = ["a", "b", "c"].map(finishedJob);
    await jobViews(context, jobs);
    assert.deepEqual(calls.map((paths) => paths.length), [6]);
    for (const job of jobs) assert.match(String((await jobView(context, job)).video_url), new RegExp(job.job_id));
    assert.equal(calls.length, 1);
  });
});
