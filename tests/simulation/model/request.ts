import { requestErrors } from "../../../supabase/functions/_shared/errors/request-errors.ts";
import type { Extra } from "./prices.ts";
import type { Upload } from "./user.ts";

/** What a job must be, by what was asked for. */
export interface ExpectedJob {
  kind: "generation" | "transition";
  price: number;
  extras: readonly Extra[];
  /** Which of them the video may be delivered without. */
  spare: readonly Extra[];
  subtitles: boolean;
}

/** One body that a client may send with its key, and the one refusal that it must get, if any. */
export interface RequestVariant {
  body: Record<string, unknown>;
  refusal: { code: string; status: number } | null;
  expected: ExpectedJob;
  /** The files that it names. */
  uploads: readonly Upload[];
}

/** The refusal with that code. */
export function refusalOf(code: keyof typeof requestErrors): RequestVariant["refusal"] {
  return { code, status: requestErrors[code].status };
}
