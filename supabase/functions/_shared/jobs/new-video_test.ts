import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import type { Database } from "../database/database.types.ts";
import type { GenerationRequest } from "../database/new-jobs.ts";
import { ProviderError, type VideoProvider } from "../providers/provider.ts";
import { ServerTiming } from "../runtime/server-timing.ts";
import { SignedUrlCache } from "../storage/signed-url-cache.ts";
import type { JobContext } from "./context.ts";
import { startVideo } from "./new-video.ts";
import { newJob } from "./test_support.ts";

const video = { id: 1, created_at: "2026-01-01T00:00:00.000Z" };
const since = "2026-11-21T12:00:00+00:00";

const request: GenerationRequest = {
  userId: "user",
  idempotencyKey: "key",
  requestHash: "hash",
  kind: "generation",
  prompt: "a cat",
  settings: {},
};

/** A provider that refuses, and a database that does not answer when the refund is reported to it. */
function brokenContext(procedures: string[]): JobContext {
  const client = createClient<Database>("http://database.test", "sb_secret_test", {
    auth: { persistSession: false, autoRefreshToken: false },
    global: {
      fetch: (address) => {
        const procedure = String(address).split("/").at(-1) ?? "";
        procedures.push(procedure);
        if (procedure === "record_provider_answer") return Promise.resolve(Response.json(false));
        if (procedure !== "start_generation") return Promise.resolve(new Response("", { status: 503 }));
        return Promise.resolve(Response.json(
          procedures.filter((name) => name === procedure).length === 1
            ? { outcome: "created", response: { job_id: "job" }, leased_job: newJob, since, video }
            : {
              outcome: "replayed",
              status_code: 500,
              response: { job_id: "job", code: "provider_failed" },
              since,
              video,
            },
        ));
      },
    },
  });
  const provider: VideoProvider = {
    submit: () => Promise.reject(new ProviderError("rejected", "content_policy", "no", false, { status: 422 })),
    check: () => Promise.reject(new Error("not checked")),
    cancel: () => Promise.resolve(false),
    fetchMedia: () => Promise.reject(new Error("no media")),
  };
  return {
    requestId: "request",
    language: "en",
    timing: new ServerTiming(),
    log: () => {},
    userId: "user",
    hasKey: true,
    logFields: {},
    client,
    providers: { get: () => Promise.resolve(provider), has: () => true },
    environment: { VIDEO_STORAGE: "supabase", SIGNED_URL_SECONDS: 3600 },
    signedUrls: new SignedUrlCache(),
    random: () => 0,
    pause: () => Promise.resolve(),
  };
}

function starts(procedures: string[]): number {
  return procedures.filter((name) => name === "start_generation").length;
}

Deno.test("the answer of a refund that was not confirmed is read by the key", async () => {
  const procedures: string[] = [];
  const { status, response } = await startVideo(brokenContext(procedures), request);
  assert.deepEqual([status, response.code, starts(procedures)], [500, "provider_failed", 2]);
});

Deno.test("with a key of some seconds it is not: the key may be over, and another start would charge again", async () => {
  const procedures: string[] = [];
  const { status, response } = await startVideo(brokenContext(procedures), { ...request, keySeconds: 10 });
  assert.deepEqual([status, response, starts(procedures)], [200, { job_id: "job" }, 1]);
});
