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
 * An https address on the public internet, in the spelling of our URL parser. Other parsers read unusual spellings in
 * another way, and the address that is fetched must be the one that was checked.
 */
export const publicUrl = text(1, 2048).refine(isPublicHttpsUrl, { error: "must be a public https URL", abort: true })
  .transform((value) => new URL(value).href)
  .refine((href) => href.length <= 2048, { error: "must be at most 2048 characters when it is percent-encoded" });

/** The highest price that the client accepts, in credits; 2,147,483,647 is the database's largest integer. */
export const maxCredits = z.int({ error: "must be a positive whole number" })
  .min(1, { error: "must be a positive whole number" }).max(2_147_483_647, { error: "must be at most 2147483647" });

/** The id of a provider's run in a webhook. A provider that signs nothing may be forged, with what Postgres cannot hold. */
export const runIdField = text(1, 255);

/** The path of a file in the bucket of uploads. The handler checks that it is the user's own. */
export const uploadedPath = z.string({ error: "must be text" })
  .regex(/^[0-9a-f-]{36}\/[0-9a-f-]{36}\.(jpg|png|webp|gif)$/, {
    error: "must be an image_path that POST /uploads returned",
  });

function isPublicHttpsUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password, hostname } = new URL(value);
  return protocol === "https:" && username === "" && password === "" && !isPrivateHost(hostname);
}
