import { z } from "zod";

/** Text that Postgres and UTF-8 can hold, of a bounded number of characters (not UTF-16 units: an emoji is one). */
export function text(minimum: number, maximum: number): z.ZodString {
  return z
    .string({ error: "must be text" })
    .refine((value) => value.isWellFormed() && !value.includes("\0"), {
      error: "must be text without NUL or lone surrogates",
      abort: true,
    })
    .refine(
      (value) => {
        // Counting characters costs time in proportion to the text, so the cheap bound comes first.
        const characters = value.length > maximum * 2 ? Infinity : [...value].length;
        return characters >= minimum && characters <= maximum;
      },
      { error: `must be ${minimum} to ${maximum} characters` },
    );
}

/** A UUID in any case and of any version, in lower case. */
export const uuid = z.guid({ error: "must be a UUID" }).toLowerCase();

/** The id of a provider's run in a webhook. A provider that signs nothing may be forged, with what Postgres cannot hold. */
export const runIdField = text(1, 255);
