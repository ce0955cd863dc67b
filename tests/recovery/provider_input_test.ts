// The input that the provider gets: each model's own fields and values, as the pages of fal.ai describe them.
import assert from "node:assert/strict";
import { INSTANT, PRICE, startGeneration } from "../support/generation.ts";
import { KLING, KLING_IMAGE, SORA, useWorld, VEO, VEO_IMAGE } from "../support/harness.ts";

const VEO_FAST = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0004";
const VEO_FAST_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0006";
const WAN_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0007";
const IMAGE = "https://example.com/image.png";

interface Example {
  name: string;
  model_id: string;
  settings?: Record<string, string | number | boolean>;
  image_url?: string;
  /** Credits. */
  price: number;
  endpoint: string;
  /** Besides the prompt. */
  input: Record<string, unknown>;
}

const veoInput = { resolution: "720p", aspect_ratio: "16:9", generate_audio: true } as const;

/** Each available model of the catalogue, requested with required fields only. */
const MODELS: Example[] = [
  {
    name: "Kling 3 Standard",
    model_id: KLING,
    price: PRICE,
    endpoint: "fal-ai/kling-video/v3/standard/text-to-video",
    input: { duration: "5", aspect_ratio: "16:9", generate_audio: true },
  },
  {
    name: "Kling 3 Standard (image)",
    model_id: KLING_IMAGE,
    image_url: IMAGE,
    price: PRICE,
    endpoint: "fal-ai/kling-video/v3/standard/image-to-video",
    input: { duration: "5", generate_audio: true, start_image_url: IMAGE },
  },
  {
    name: "Veo 3.1",
    model_id: VEO,
    price: 32,
    endpoint: "fal-ai/veo3.1",
    input: { ...veoInput, duration: "8s" },
  },
  {
    name: "Veo 3.1 Fast",
    model_id: VEO_FAST,
    price: 16,
    endpoint: "fal-ai/veo3.1/fast",
    input: { ...veoInput, duration: "8s" },
  },
  {
    name: "Veo 3.1 (image)",
    model_id: VEO_IMAGE,
    image_url: IMAGE,
    price: 32,
    endpoint: "fal-ai/veo3.1/image-to-video",
    input: { ...veoInput, aspect_ratio: "auto", duration: "8s", image_url: IMAGE },
  },
  {
    name: "Veo 3.1 Fast (image)",
    model_id: VEO_FAST_IMAGE,
    image_url: IMAGE,
    price: 16,
    endpoint: "fal-ai/veo3.1/fast/image-to-video",
    input: { ...veoInput, aspect_ratio: "auto", duration: "8s", image_url: IMAGE },
  },
  {
    name: "Wan 2.7 (image)",
    model_id: WAN_IMAGE,
    image_url: IMAGE,
    price: PRICE,
    endpoint: "fal-ai/wan/v2.7/image-to-video",
    input: { duration: 5, resolution: "1080p", image_url: IMAGE },
  },
];

const klingVideo = (duration: number): Example => ({
  name: `${duration} seconds at 720p and 16:9`,
  model_id: KLING,
  settings: { duration, resolution: "720p", aspect_ratio: "16:9" },
  price: duration,
  endpoint: "fal-ai/kling-video/v3/standard/text-to-video",
  input: { duration: String(duration), aspect_ratio: "16:9", generate_audio: true },
});

/** Requests of the apps that the acceptance tests play. */
const APP_REQUESTS: Example[] = [
  { ...klingVideo(15), name: "15 seconds at 720p and 30 fps", settings: { duration: 15, resolution: "720p", fps: 30 } },
  klingVideo(4),
  klingVideo(8),
  klingVideo(12),
  {
    name: "8 seconds at 1080p and 16:9 with an image",
    model_id: VEO_IMAGE,
    settings: { resolution: "1080p", duration: 8, aspect_ratio: "16:9" },
    image_url: IMAGE,
    price: 32,
    endpoint: "fal-ai/veo3.1/image-to-video",
    input: { ...veoInput, resolution: "1080p", duration: "8s", image_url: IMAGE },
  },
  {
    name: "auto, auto and 4 seconds with an image",
    model_id: KLING_IMAGE,
    settings: { resolution: "auto", aspect_ratio: "auto", duration: 4 },
    image_url: IMAGE,
    price: 4,
    endpoint: "fal-ai/kling-video/v3/standard/image-to-video",
    input: { duration: "4", generate_audio: true, start_image_url: IMAGE },
  },
];

/** Settings at their limits and in every shape. */
const VARIATIONS: Example[] = [
  {
    name: "every setting of Kling",
    model_id: KLING,
    settings: { duration: "auto", aspect_ratio: "1:1", negative_prompt: "rain", cfg: 0.5, generate_audio: false },
    price: PRICE,
    endpoint: "fal-ai/kling-video/v3/standard/text-to-video",
    input: {
      duration: "5",
      aspect_ratio: "1:1",
      negative_prompt: "rain",
      cfg_scale: 0.5,
      generate_audio: false,
    },
  },
  {
    name: "every setting of Veo, silent and in 4K",
    model_id: VEO,
    settings: {
      duration: 4,
      resolution: "4k",
      aspect_ratio: "9:16",
      fps: 24,
      seed: 4_294_967_295,
      generate_audio: false,
    },
    price: 12,
    endpoint: "fal-ai/veo3.1",
    input: {
      duration: "4s",
      resolution: "4k",
      aspect_ratio: "9:16",
      seed: 4_294_967_295,
      generate_audio: false,
    },
  },
  {
    name: "the longest video of Wan",
    model_id: WAN_IMAGE,
    settings: { duration: 15, resolution: "720p", seed: 0, negative_prompt: "" },
    image_url: IMAGE,
    price: 15,
    endpoint: "fal-ai/wan/v2.7/image-to-video",
    input: { duration: 15, resolution: "720p", seed: 0, negative_prompt: "", image_url: IMAGE },
  },
];

const world = useWorld({ falSimulator: INSTANT });

for (const example of [...MODELS, ...APP_REQUESTS, ...VARIATIONS]) {
  Deno.test(`${example.name}: the provider gets exactly the input of its model, at the price that is charged`, async () => {
    const { model_id, settings, image_url } = example;
    const user = await world.newUser(example.price);
    // One of these apps sends the user's id too.
    const body = { model_id, settings, image_url, user_id: user.id };
    const generation = await startGeneration(world, { user, body });
    assert.equal(generation.answer.status, 200, JSON.stringify(generation.answer.body));
    assert.deepEqual(
      [generation.answer.body.credits_used, generation.answer.body.credits_remaining],
      [example.price, 0],
    );
    const [run] = generation.runs();
    assert.equal(run?.endpoint, example.endpoint);
    assert.deepEqual(run.input, { prompt: generation.body.prompt, ...example.input });
    assert.equal((await generation.outcome()).body.status, "completed", "the simulator rejected the input");
    await world.audit();
  });
}

Deno.test("every available model of fal in the catalogue, but for transitions, is among these examples", async () => {
  const available = await world.sql`select id, name from models where is_available and provider = 'fal'
    and category <> 'transition' order by name`;
  const known = MODELS.map(({ model_id, name }) => ({ id: model_id, name }));
  assert.deepEqual([...available], known.toSorted((a, b) => a.name < b.name ? -1 : 1));
});

Deno.test("a model that is no longer available is not found, and costs nothing", async () => {
  const { answer, user } = await startGeneration(world, { body: { model_id: SORA } });
  assert.deepEqual([answer.status, answer.body.error, answer.body.code], [404, "Model not found", "model_not_found"]);
  assert.equal(await world.balance(user), 100);
});

Deno.test("a submission carries a start limit, keeps its files for a while and takes no other model", async () => {
  const generation = await startGeneration(world);
  const headers = generation.runs()[0]?.headers ?? {};
  assert.equal(headers["x-fal-request-start-timeout"], "900");
  assert.equal(headers["x-app-fal-disable-fallback"], "true");
  assert.match(headers["x-fal-object-lifecycle-preference"] ?? "", /"expiration_duration_seconds":604800/);
});
