import { requestErrors } from "../../supabase/functions/_shared/http/errors.ts";
import type { Random } from "./random.ts";
import { randomWords } from "./words.ts";

const KLING = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0001";
const VEO_FAST = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0004";
const WAN_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0007";
const SORA = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0008";

/** One body that a client may send with its key, and the one refusal that it must get, if any. */
export interface Variant {
  body: Record<string, unknown>;
  refusal: { code: string; status: number } | null;
}

const VALID: ((random: Random) => Record<string, unknown>)[] = [
  (random) => ({ model_id: KLING, settings: { duration: random.pick([3, 5, 5, 5, 10]) } }),
  () => ({ model_id: KLING }),
  () => ({ model_id: VEO_FAST, settings: { duration: 4, resolution: "1080p" } }),
  () => ({ model_id: WAN_IMAGE, image_url: "https://example.com/cat.jpg", settings: { duration: 2 } }),
];

const INVALID: [code: keyof typeof requestErrors, body: Record<string, unknown>][] = [
  ["validation_failed", { model_id: KLING, settings: { duration: 99 } }],
  ["validation_failed", { model_id: KLING, settings: { colour: "red" } }],
  ["validation_failed", { model_id: WAN_IMAGE }],
  ["validation_failed", { model_id: KLING, image_url: "http://127.0.0.1/cat.jpg" }],
  ["validation_failed", { model_id: KLING, credits: 1_000_000 }],
  ["model_not_found", { model_id: SORA }],
  ["model_not_found", { model_id: "00000000-0000-4000-8000-000000000000" }],
  ["forbidden", { model_id: KLING, user_id: "00000000-0000-4000-8000-000000000000" }],
];

/** A request that no other has: its prompt names the key and the variant. */
export function newVariant(random: Random, keyName: string, number: number): Variant {
  const prompt = `A lighthouse, take ${keyName}-v${number} ${randomWords(random)}`;
  if (random.chance(0.93)) {
    const node = random.chance(0.2) ? { node_id: `node-${keyName}` } : {};
    return { body: { ...random.pick(VALID)(random), ...node, prompt }, refusal: null };
  }
  const [code, body] = random.pick(INVALID);
  return { body: { ...body, prompt }, refusal: { code, status: requestErrors[code].status } };
}
