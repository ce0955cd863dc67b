import { requestErrors } from "../../../supabase/functions/_shared/errors/request-errors.ts";
import type { Moment } from "./moment.ts";
import type { Extra } from "./prices.ts";
import type { Upload } from "./user.ts";

/** What the job of a request must be. */
export interface ExpectedJob {
  kind: "generation" | "transition";
  price: number;
  extras: readonly Extra[];
  /** The extras that the video may be delivered without. */
  spare: readonly Extra[];
  subtitles: boolean;
  /** For an imported video: whether it had a thumbnail. */
  imported?: { hasThumbnail: boolean };
}

/** One of the bodies that a client sends with a key. `refusal` is the error that it must get; null for none. */
export interface RequestVariant {
  body: Record<string, unknown>;
  refusal: { code: string; status: number } | null;
  expected: ExpectedJob;
  /** The uploaded files that the body names. */
  uploads: readonly Upload[];
  /** Whether the request may be refused because its user cannot make videos for its node. */
  mayLackNode?: (moment: Moment) => boolean;
}

export function refusalOf(code: keyof typeof requestErrors): RequestVariant["refusal"] {
  return { code, status: requestErrors[code].status };
}
