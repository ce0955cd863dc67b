import type { UrlLife } from "../_shared/storage/signed-url-cache.ts";

/**
 * How long a signed URL of a link works. A revoked link is 404 at once, but who has followed it before can read the file for
 * this long.
 */
const URL_LIFE_MS = 600_000;

/**
 * The life of a URL that a link gives: never longer than the link's. A URL is given out for half of its life, so that a
 * player always has the other half.
 */
export function urlLife(secondsLeft: number | null, now: number): UrlLife {
  const linkMs = secondsLeft === null ? Infinity : Math.max(1, secondsLeft) * 1000;
  const atMostMs = Math.min(linkMs, URL_LIFE_MS);
  // The database counts whole seconds.
  const group = linkMs < URL_LIFE_MS ? `until ${Math.round((now + linkMs) / 10_000)}` : "";
  return { atLeastMs: atMostMs / 2, atMostMs, group };
}
