import { z } from "zod";
import { isPrivateHost } from "../runtime/private-host.ts";

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

/**
 * The https address of something that anybody on the internet can fetch, as the URL parser spells it: what was checked
 * must be what is fetched, by parsers that read other spellings otherwise.
 */
export const publicUrl = text(1, 2048).refine(isPublicHttpsUrl, { error: "must be a public https URL", abort: true })
  .transform((value) => new URL(value).href)
  .refine((href) => href.length <= 2048, { error: "must be at most 2048 characters when it is percent-encoded" });

/** The most that a caller agrees to pay, in credits; the database's own integers end there. */
export const maxCredits = z.int({ error: "must be a positive whole number" })
  .min(1, { error: "must be a positive whole number" }).max(2_147_483_647, { error: "must be at most 2147483647" });

/** The path of a file in the bucket of uploads. Whose it is, the handler checks. */
export const uploadedPath = z.string({ error: "must be text" })
  .regex(/^[0-9a-f-]{36}\/[0-9a-f-]{36}\.(jpg|png|webp|gif)$/, {
    error: "must be an image_path that POST /uploads returned",
  });

function isPublicHttpsUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, hostname } = new URL(value);
  return protocol === "https:" && username === "" && password === "" && !isPrivateHost(hostname);
}
