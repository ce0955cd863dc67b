/**
 * How long a signed URL of a link works, in seconds. A revoked link is 404 at once, but who has followed it before can read
 * the file for this long.
 */
const LIFE_SECONDS = 600;
const MOST_URLS = 1_000;

/** Signs the URL of a file, or returns null for a file that is not there. */
export type Sign = (path: string, expiresInSeconds: number) => Promise<string | null>;

/** The signed URLs that this instance gave out in the last minutes: a link that many people open costs one call to Storage. */
export class SignedUrlCache {
  /** `ends` is when the URL stops to work. */
  #urls = new Map<string, { url: Promise<string | null>; ends: number }>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** A URL that works for minutes, but not longer than `secondsLeft`; null: as long as it likes. */
  async get(path: string, secondsLeft: number | null, sign: Sign): Promise<string | null> {
    const now = this.now();
    const linkEnds = secondsLeft === null ? Infinity : now + Math.max(1, secondsLeft) * 1000;
    const ends = Math.min(linkEnds, now + LIFE_SECONDS * 1000);
    // A link that ends soon has a URL of its own: links of one file that end at different times do not replace each other's.
    const key = linkEnds < now + LIFE_SECONDS * 1000 ? `${path} ${Math.round(linkEnds / 10_000)}` : path;
    const known = this.#urls.get(key);
    // For half of its life, so that a player always has the other half.
    if (known !== undefined && known.ends <= linkEnds && known.ends - now > (ends - now) / 2) return await known.url;
    const url = sign(path, (ends - now) / 1000);
    this.#keep(key, { url, ends });
    // What failed is asked for again, and so is a file that is not there yet.
    const signed = await url.catch((error) => {
      this.#urls.delete(key);
      throw error;
    });
    if (signed === null) this.#urls.delete(key);
    return signed;
  }

  #keep(key: string, signed: { url: Promise<string | null>; ends: number }): void {
    this.#urls.delete(key);
    this.#urls.set(key, signed);
    // A map keeps the order in which its entries came: the first one is the oldest.
    const [oldest] = this.#urls.keys();
    if (this.#urls.size > MOST_URLS && oldest !== undefined) this.#urls.delete(oldest);
  }
}
