import { requestErrors } from "../../../supabase/functions/_shared/errors/request-errors.ts";
import { KLING, WAN_IMAGE } from "../model/catalogue.ts";
import { refusalOf, type RequestVariant } from "../model/request.ts";
import type { Upload } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import { type Extra, priceOfExtras } from "../model/prices.ts";
import { randomPromptWords } from "../faults/prompt-words.ts";
import { randomExtras } from "./random-extras.ts";

const VEO_FAST = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0004";
const SORA = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0008";
const VEO = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a";
const VEO_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000c";
const RUNPOD = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000d";

interface Choice {
  provider: "fal" | "runpod" | "veo";
  price: number;
  /** The price without the model's own sound, where that is another one. */
  silentPrice?: number;
  body: { model_id: string; image_url?: string; settings?: Record<string, unknown> };
}

/** No shorter video is asked for. */
const SHORTEST_SECONDS = 2;

const kling = (duration: number): Choice => ({
  provider: "fal",
  price: duration,
  body: { model_id: KLING, settings: { duration } },
});

const VALID: ((random: Random) => Choice)[] = [
  (random) => kling(random.pick([3, 5, 5, 5, 10])),
  () => ({ provider: "fal", price: 5, body: { model_id: KLING } }),
  () => ({
    provider: "fal",
    price: 8,
    silentPrice: 6,
    body: { model_id: VEO_FAST, settings: { duration: 4, resolution: "1080p" } },
  }),
  () => ({
    provider: "fal",
    price: 2,
    body: { model_id: WAN_IMAGE, image_url: "https://example.com/cat.jpg", settings: { duration: 2 } },
  }),
  () => ({ provider: "runpod", price: 5, body: { model_id: RUNPOD, settings: { num_frames: 33 } } }),
  () => ({ provider: "veo", price: 4, body: { model_id: VEO, settings: { duration: 4 } } }),
  (random) => ({
    provider: "veo",
    price: 4,
    body: {
      model_id: VEO_IMAGE,
      image_url: `https://example.com/${random.pick(["cat.jpg", "cat.jpg", "cat.jpg", "gone.png"])}`,
      settings: { duration: 4 },
    },
  }),
];

const INVALID: [code: keyof typeof requestErrors, body: Record<string, unknown>][] = [
  ["validation_failed", { model_id: KLING, settings: { duration: 99 } }],
  ["validation_failed", { model_id: KLING, settings: { colour: "red" } }],
  ["validation_failed", { model_id: KLING, settings: { enable_music: true, generate_audio: true } }],
  ["validation_failed", { model_id: KLING, settings: { burn_in: true } }],
  ["validation_failed", { model_id: WAN_IMAGE }],
  ["validation_failed", { model_id: KLING, image_url: "http://127.0.0.1/cat.jpg" }],
  ["validation_failed", { model_id: KLING, credits: 1_000_000 }],
  ["model_not_found", { model_id: SORA }],
  ["model_not_found", { model_id: "00000000-0000-4000-8000-000000000000" }],
  ["forbidden", { model_id: KLING, user_id: "00000000-0000-4000-8000-000000000000" }],
];

/** A request with a unique prompt, which names the key and the variant. */
export function newVariant(
  random: Random,
  { keyName, number, uploads }: { keyName: string; number: number; uploads: readonly Upload[] },
): RequestVariant {
  const words = (provider: Choice["provider"]) =>
    `A lighthouse, take ${keyName}-v${number} ${randomPromptWords(random, provider)}`;
  const expected = { kind: "generation", extras: [], spare: [], subtitles: false } as const;
  const upload = random.chance(0.2) ? random.recent(uploads, 3) : undefined;
  if (upload !== undefined) {
    const body = { model_id: WAN_IMAGE, image_path: upload.path, settings: { duration: 2 }, prompt: words("fal") };
    return { body, refusal: null, expected: { ...expected, price: 2 }, uploads: [upload] };
  }
  if (random.chance(0.93)) {
    const node = random.chance(0.2) ? { node_id: `node-${keyName}` } : {};
    const choice = random.pick(VALID)(random);
    const { provider, body } = choice;
    const { fields, ...asked } = random.chance(0.3)
      ? randomExtras(random, SHORTEST_SECONDS)
      : { ...expected, fields: {} };
    return {
      body: { ...body, ...node, settings: { ...body.settings, ...fields }, prompt: words(provider) },
      refusal: null,
      expected: { ...expected, ...asked, price: priceOf(choice, asked.extras) },
      uploads: [],
    };
  }
  const [code, body] = random.pick(INVALID);
  return {
    body: { ...body, prompt: words("fal") },
    refusal: refusalOf(code),
    expected: { ...expected, price: 0 },
    uploads: [],
  };
}

/** Beside a voice or music the model's own sound is off. */
function priceOf({ price, silentPrice = price }: Choice, extras: readonly Extra[]): number {
  const isSilent = extras.some((extra) => extra !== "subtitles");
  return (isSilent ? silentPrice : price) + priceOfExtras(extras);
}
