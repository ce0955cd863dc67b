import assert from "node:assert/strict";
import { z } from "zod";
import { startVeoSimulator, type VeoSimulator, type VeoSimulatorOptions } from "./simulator.ts";

const MODEL = "veo-3.1-fast-generate-preview";
const DAY_MS = 24 * 3_600_000;

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

interface Bench {
  simulator: VeoSimulator;
  pass(milliseconds: number): void;
  check(name: string): Promise<Answer>;
  submit(instance: unknown, parameters?: unknown, model?: string): Promise<Answer>;
}

async function withSimulator(test: (bench: Bench) => Promise<void>, options: VeoSimulatorOptions = {}): Promise<void> {
  let time = Date.UTC(2026, 10, 1);
  const simulator = await startVeoSimulator({ now: () => time, ...options });
  const call = async (path: string, init: RequestInit = {}): Promise<Answer> => {
    const headers = { "x-goog-api-key": simulator.key };
    const response = await fetch(`${simulator.baseUrl}/${path}`, { ...init, headers });
    return { status: response.status, body: z.record(z.string(), z.unknown()).parse(await response.json()) };
  };
  try {
    await test({
      simulator,
      pass(milliseconds) {
        time += milliseconds;
        simulator.tick();
      },
      check: (name) => call(name),
      submit: (instance, parameters = {}, model = MODEL) =>
        call(`models/${model}:predictLongRunning`, {
          method: "POST",
          body: JSON.stringify({ instances: [instance], parameters }),
        }),
    });
  } finally {
    await simulator.stop();
  }
}

function messageOf({ body }: Answer): string {
  return z.object({ error: z.object({ message: z.string() }) }).parse(body).error.message;
}

Deno.test("an operation runs, is done, and has a file that only the key opens, by a redirect", async () => {
  await withSimulator(async ({ simulator, submit, check, pass }) => {
    const name = String((await submit({ prompt: "A lighthouse" })).body.name);
    assert.match(name, /^models\/veo-3\.1-fast-generate-preview\/operations\/\w+$/);
    assert.deepEqual((await check(name)).body, { name });
    pass(3000);
    const { body } = await check(name);
    assert.equal(body.done, true);
    const [, uri = ""] = JSON.stringify(body).match(/"uri":"([^"]+)"/) ?? [];
    const refused = await fetch(uri);
    assert.equal(refused.status, 403);
    await refused.body?.cancel();
    const redirected = await fetch(uri, { headers: { "x-goog-api-key": simulator.key }, redirect: "manual" });
    assert.equal(redirected.status, 302);
    const film = await fetch(redirected.headers.get("location") ?? "");
    assert.equal(film.headers.get("content-type"), "video/mp4");
    await film.body?.cancel();
    pass(2 * DAY_MS);
    assert.equal((await check(name)).status, 404);
    assert.equal((await fetch(uri, { headers: { "x-goog-api-key": simulator.key } })).status, 404);
  });
});

const image = { bytesBase64Encoded: "iVBORw0KGgo=", mimeType: "image/png" };

const REFUSED: [what: string, instance: unknown, parameters: unknown][] = [
  ["an inline image in the documentation's form", { image: { inlineData: { data: "", mimeType: "image/png" } } }, {}],
  ["the address of an image", { image: { uri: "https://example.com/1.png" } }, {}],
  ["a last frame alone", { prompt: "x", lastFrame: image }, {}],
  ["nothing to show", {}, {}],
  ["five seconds", { prompt: "x" }, { durationSeconds: 5 }],
  ["seconds as text", { prompt: "x" }, { durationSeconds: "8" }],
  ["1080p of four seconds", { prompt: "x" }, { resolution: "1080p", durationSeconds: 4 }],
  ["a switch for the sound", { prompt: "x" }, { generateAudio: true }],
];

for (const [what, instance, parameters] of REFUSED) {
  Deno.test(`${what} is refused`, async () => {
    await withSimulator(async ({ submit }) => assert.equal((await submit(instance, parameters)).status, 400));
  });
}

Deno.test("images and every parameter are taken, and shown without their bytes", async () => {
  await withSimulator(async ({ simulator, submit }) => {
    const parameters = { durationSeconds: 8, resolution: "1080p", seed: 1, personGeneration: "allow_adult" };
    assert.equal((await submit({ image, lastFrame: image }, parameters)).status, 200);
    assert.deepEqual(simulator.operations[0]?.parameters, parameters);
    assert.deepEqual(simulator.operations[0]?.images.map(({ field, bytes }) => [field, bytes]), [
      ["image", 8],
      ["lastFrame", 8],
    ]);
  });
});

Deno.test("a model that does not exist is missing, and the eleventh submission of a minute too much", async () => {
  await withSimulator(async ({ submit, pass }) => {
    assert.equal((await submit({ prompt: "x" }, {}, "veo-9")).status, 404);
    for (let count = 0; count < 10; count++) assert.equal((await submit({ prompt: "x" })).status, 200);
    const refused = await submit({ prompt: "x" });
    assert.equal(refused.status, 429);
    assert.match(messageOf(refused), /quota/);
    pass(60_000);
    assert.equal((await submit({ prompt: "x" })).status, 200);
  }, { submissionsPerMinute: "documented" });
});

Deno.test("a blocked video is done without an error and without a sample", async () => {
  await withSimulator(async ({ submit, check, pass }) => {
    const name = String((await submit({ prompt: "[veo: safety]" })).body.name);
    pass(3000);
    const { body } = await check(name);
    assert.equal(body.error, undefined);
    assert.match(JSON.stringify(body), /"raiMediaFilteredCount":1/);
    assert.doesNotMatch(JSON.stringify(body), /generatedSamples/);
  });
});
