/**
 * How long a signed URL of a link works, in seconds. A revoked link is 404 at once, but who has followed it before can read
 * the file for this long.
 */
const LIFE_SECONDS = 600;
/** A URL is given out again for half of its life, so that a player always has the other half. */
const REUSE_MS = LIFE_SECONDS * 500;
const MOST_URLS = 1_000;

/** Signs the URL of a file, or returns null for a file that is not there. */
export type Sign = (path: string, expiresInSeconds: number) => Promise<string | null>;

/** The signed URLs that this instance gave out in the last minutes: a link that many people open costs one call to Storage. */
export class SignedUrlCache {
  #urls = new Map<string, { url: Promise<string | null>; until: number }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A URL that works for minutes, but not longer than `secondsLeft`; null: as long as it likes. */
  async get(path: string, secondsLeft: number | null, sign: Sign): Promise<string | null> {
    if (secondsLeft !== null && secondsLeft < LIFE_SECONDS) return await sign(path, Math.max(1, secondsLeft));
    const known = this.#urls.get(path);
    if (known !== undefined && known.until > this.now()) return await known.url;
    const url = sign(path, LIFE_SECONDS);
    this.#keep(path, url);
    // What failed is asked for again, and so is a file that is not there yet.
    const signed = await url.catch((error) => {
      this.#urls.delete(path);
      throw error;
    });
    if (signed === null) this.#urls.delete(path);
    return signed;
  }

  #keep(path: string, url: Promise<string | null>): void {
    this.#urls.delete(path);
    this.#urls.set(path, { url, until: this.now() + REUSE_MS });
    // A map keeps the order in which its entries came: the first one is the oldest.
    const [oldest] = this.#urls.keys();
    if (this.#urls.size > MOST_URLS && oldest !== undefined) this.#urls.delete(oldest);
  }
}
