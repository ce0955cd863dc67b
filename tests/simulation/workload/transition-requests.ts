import type { Upload } from "../model/user.ts";
import { priceOfExtras } from "../model/prices.ts";
import type { Random } from "../runtime/random.ts";
import { refusalOf, type RequestVariant } from "../model/request.ts";
import { randomPromptWords } from "../faults/prompt-words.ts";
import { randomExtras } from "./random-extras.ts";

const KLING_TEXT = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0001";
const KLING_TRANSITION = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000e";
const VEO_TRANSITION = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000f";

/** What the body shows of its sender. */
export interface Asker {
  keyName: string;
  number: number;
  uploads: readonly Upload[];
}

/** `MALFORMED` is refused by the endpoint, `UNKNOWN` by the database. */
const MALFORMED: Record<string, unknown>[] = [
  { duration: 61 },
  { tail_image: null },
  { colour: "red" },
  { enable_voiceover: true },
  { enable_subtitles: true, subtitles: [] },
  { front_image: null, front_image_path: "00000000-0000-4000-8000-000000000000/0.jpg" },
];
const UNKNOWN: [code: "validation_failed" | "model_not_found", body: Record<string, unknown>][] = [
  ["validation_failed", { model_id: VEO_TRANSITION, duration: 5 }],
  ["validation_failed", { enable_voiceover: true, voiceover_text: "x".repeat(101) }],
  ["model_not_found", { model_id: KLING_TEXT }],
];

/** A transition with a unique prompt, which names the key and the variant. */
export function newTransition(random: Random, asker: Asker, mayBeMalformed = true): RequestVariant {
  const valid = validTransition(random, asker);
  if (random.chance(0.92)) return valid;
  if (mayBeMalformed && random.chance(0.6)) {
    return {
      ...valid,
      body: { ...plain(valid.body), ...random.pick(MALFORMED) },
      refusal: refusalOf("validation_failed"),
      uploads: [],
    };
  }
  const [code, change] = random.pick(UNKNOWN);
  return { ...valid, body: { ...plain(valid.body), ...change }, refusal: refusalOf(code), uploads: [] };
}

function plain({ prompt }: Record<string, unknown>): Record<string, unknown> {
  return { front_image: "https://example.com/1.jpg", tail_image: "https://example.com/2.jpg", duration: 5, prompt };
}

function validTransition(random: Random, { keyName, number, uploads }: Asker): RequestVariant {
  const isVeo = random.chance(0.2);
  const length = random.weighted({ short: 1, one: 5, long: 1.5 });
  const duration = isVeo
    ? random.pick([4, 6, 8])
    : length === "short"
    ? random.whole(1, 2)
    : length === "one"
    ? random.whole(3, 10)
    : random.whole(16, 34);
  const { extras, spare, subtitles, fields } = randomExtras(random, duration);
  const upload = random.chance(0.4) ? random.recent(uploads, 3) : undefined;
  const body = {
    ...(upload !== undefined ? { front_image_path: upload.path } : { front_image: "https://example.com/front.jpg" }),
    tail_image: "https://example.com/tail.jpg",
    prompt: `A transition, take ${keyName}-v${number} ${randomPromptWords(random)}`,
    duration,
    transition_type: random.pick(["fade", "MORPH", "Energetic"]),
    ...(isVeo ? { model_id: VEO_TRANSITION } : random.chance(0.3) ? { model_id: KLING_TRANSITION } : {}),
    ...fields,
  };
  // Kling makes three seconds at least: a shorter video is cut from them.
  const price = (isVeo ? duration * 2 : Math.max(3, duration)) + priceOfExtras(extras);
  return {
    body,
    refusal: null,
    expected: { kind: "transition", price, extras, spare, subtitles },
    uploads: upload === undefined ? [] : [upload],
  };
}
