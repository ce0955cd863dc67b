import { z } from "zod";
import { isPrivateHost } from "../runtime/private-host.ts";
import { text } from "./fields.ts";

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
