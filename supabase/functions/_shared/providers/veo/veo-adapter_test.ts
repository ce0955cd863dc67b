// What only Veo has; what all providers must do is in tests/conformance/provider_conformance_test.ts.
import assert from "node:assert/strict";
import type { RunState } from "../provider.ts";
import { classOf, errorOf, failureOf, fakeFetch, noTimeout } from "../test_support.ts";
import { createVeoAdapter } from "./veo-adapter.ts";

const API = "https://generativelanguage.googleapis.com/v1beta";
const model = "veo-3.1-fast-generate-preview";
const name = `models/${model}/operations/abc123`;

Deno.test("a job's flat input is split into instance and parameters", async () => {
  const { send, sent } = fakeFetch(() => Response.json({ name }));
  const input = {
    prompt: "A lighthouse",
    aspectRatio: "9:16",
    durationSeconds: 6,
    resolution: "720p",
    negativePrompt: "rain",
    seed: 7,
    sampleCount: 4,
  };
  const submission = { model, input, startWithinSeconds: 90 };
  const run = await createVeoAdapter({ key: "secret", fetch: send }).submit(submission, noTimeout());
  assert.deepEqual(run, { model, providerJobId: name });
  const [request] = sent;
  assert.equal(request?.url, `${API}/models/${model}:predictLongRunning`);
  assert.equal(request.headers.get("x-goog-api-key"), "secret");
  assert.deepEqual(request.body, {
    instances: [{ prompt: "A lighthouse" }],
    parameters: {
      aspectRatio: "9:16",
      durationSeconds: 6,
      resolution: "720p",
      negativePrompt: "rain",
      seed: 7,
      sampleCount: 1,
    },
  });
});

Deno.test("an operation's name is accepted as a path of the API, and nothing else", async () => {
  for (const strange of ["", "../../v1/x", "https://evil.example/", "models/x?key=1", "/x", 5, null]) {
    const { send } = fakeFetch(() => Response.json({ name: strange }));
    const veo = createVeoAdapter({ key: "secret", fetch: send });
    const error = await errorOf(veo.submit({ model, input: {}, startWithinSeconds: 90 }, noTimeout()));
    assert.deepEqual([error.code, error.mayHaveStarted], ["provider_bad_answer", true], String(strange));
  }
});

async function stateOf(operation: unknown): Promise<RunState> {
  const { send } = fakeFetch(() => Response.json(operation));
  return await createVeoAdapter({ key: "secret", fetch: send }).check({ model, providerJobId: name }, noTimeout());
}

const done = (generateVideoResponse: unknown) => ({ name, done: true, response: { generateVideoResponse } });
const uri = `${API}/files/xyz:download?alt=media`;

Deno.test("the first video with a URL is the result", async () => {
  for (const generatedSamples of [[{ video: { uri } }], [{}, { video: { uri } }, { video: { uri: `${uri}2` } }]]) {
    assert.deepEqual(await stateOf(done({ generatedSamples })), { state: "succeeded", media: { video_url: uri } });
  }
});

Deno.test("an operation that is done without a video has not succeeded", async () => {
  const endings = [undefined, null, {}, { generatedSamples: null }, { generatedSamples: [{ video: { uri: "" } }] }];
  for (const ending of endings) {
    assert.equal(classOf(failureOf(await stateOf(done(ending)))), "rejected no_media", JSON.stringify(ending));
  }
});
