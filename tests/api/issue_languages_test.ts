import assert from "node:assert/strict";
import { z } from "zod";
import { type CallOptions, KLING, KLING_IMAGE, type TestUser, useWorld } from "../support/harness.ts";
import { PLAIN } from "../support/transition.ts";

const VEO_TRANSITION = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000f";

const world = useWorld();
const issuesSchema = z.array(z.object({ path: z.string(), message: z.string() }));

/** Requests with one mistake each, which a schema, the model's row or another check finds. */
const WRONG: [path: string, options: Omit<CallOptions, "user">][] = [
  ["generate-video", { body: { model_id: KLING, prompt: "x", more: 1 } }],
  ["generate-video", { body: { model_id: KLING, prompt: "" } }],
  ["generate-video", { body: { model_id: KLING, prompt: "x", settings: { duration: 2 } } }],
  ["generate-video", { body: { model_id: KLING, prompt: "x", settings: { cfg: 7 } } }],
  ["generate-video", { body: { model_id: KLING, prompt: "x", settings: { unknown: 1 } } }],
  ["generate-video", { body: { model_id: KLING, prompt: "x", image_url: "https://example.com/a.png" } }],
  ["generate-video", { body: { model_id: KLING_IMAGE, prompt: "x" } }],
  ["generate-video", { body: { model_id: KLING_IMAGE, prompt: "x", image_path: "elsewhere" } }],
  ["get-video-status?job_id=1", { method: "GET" }],
  ["videos?limit=101", { method: "GET" }],
  ["videos?status=done", { method: "GET" }],
  ["videos?updated_since=-1", { method: "GET" }],
  ["videos?cursor=1", { method: "GET" }],
  ["videos?sort=1", { method: "GET" }],
  ["videos", { method: "DELETE", body: { job_ids: [1] } }],
  ["uploads", { body: { content_type: "text/html" } }],
  ["transitions/create-and-generate/", { body: { ...PLAIN, duration: 61 } }],
  ["transitions/create-and-generate/", { body: { ...PLAIN, transition_type: "SPIN" } }],
  ["transitions/create-and-generate/", { body: { ...PLAIN, enable_voiceover: true } }],
  ["transitions/create-and-generate/", { body: { ...PLAIN, subtitles: [{ startTime: 2, endTime: 1, text: " " }] } }],
];

/** Words of our English that are in no Turkish or Spanish sentence. */
const ENGLISH = /\b(must|not|be|the|of|or|and|required|this|which|takes|invalid|expected|unrecognized)\b/i;

async function messages(
  user: TestUser,
  [path, options]: typeof WRONG[number],
  language: string,
): Promise<string[]> {
  const headers = { "Idempotency-Key": crypto.randomUUID(), "Accept-Language": language };
  const { status, body } = await world.call(path, { ...options, user, headers });
  assert.deepEqual([status, body.code], [400, "validation_failed"], path);
  return issuesSchema.parse(body.issues).map(({ message }) => message);
}

Deno.test("every issue of a field is in the client's language", async () => {
  const user = await world.newUser();
  for (const wrong of WRONG) {
    const english = await messages(user, wrong, "en");
    assert.ok(english.length > 0);
    for (const language of ["tr", "es"]) {
      const translated = await messages(user, wrong, language);
      assert.equal(translated.length, english.length);
      for (const [index, message] of translated.entries()) {
        assert.notEqual(message, english[index]);
        assert.doesNotMatch(message, ENGLISH);
      }
    }
  }
});

Deno.test("one transition of a batch that its model refuses says so in the caller's language", async () => {
  const user = await world.newUser();
  const { status, body } = await world.call("transitions/batch-create-and-generate/", {
    user,
    headers: { "Accept-Language": "tr" },
    body: { transitions: [PLAIN, { ...PLAIN, model_id: VEO_TRANSITION, duration: 5 }] },
  });
  assert.equal(status, 202, JSON.stringify(body));
  const [, refused] = z.array(z.looseObject({ issues: issuesSchema.optional() })).parse(body.tasks);
  assert.deepEqual(refused?.issues, [{ path: "duration", message: "şunlardan biri olmalı: 4, 6, 8" }]);
});
