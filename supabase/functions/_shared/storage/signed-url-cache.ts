import { keepNewest } from "../runtime/keep-newest.ts";

/** A URL and its token are less than a kilobyte. */
const MOST_URLS = 5_000;

/** How long URLs must work still, and how long they may. */
export interface UrlLife {
  atLeastMs: number;
  atMostMs: number;
  /** The URLs of one file are kept apart by group, so that those of different lives do not replace each other. */
  group?: string;
}

/** Signs the URLs of files, by path; a file that is not there has none. */
type Sign = (paths: string[], expiresInSeconds: number) => Promise<Map<string, string>>;

interface KeptUrl {
  /** Null for a file that is not there. */
  url: Promise<string | null>;
  /** When the URL stops to work. */
  ends: number;
}

/**
 * The signed URLs that this instance gave out: many answers with one file cost one call to Storage. The caller has asked the
 * database first, in the same request, whether this file may be shown to this caller: nothing here knows a user, and what
 * was deleted is not asked for.
 */
export class SignedUrlCache {
  readonly #kept = new Map<string, KeptUrl>();

  constructor(private readonly now: () => number = Date.now) {}

  /** The URLs of files by path, new ones only where those kept do not live long enough, or too long. */
  async get(paths: readonly string[], life: UrlLife, sign: Sign): Promise<Map<string, string>> {
    const urls = new Map<string, Promise<string | null>>();
    const missing: string[] = [];
    for (const path of paths) {
      const url = this.#usable(path, life);
      if (url === undefined) missing.push(path);
      else urls.set(path, url);
    }
    if (missing.length > 0) {
      const ends = this.now() + life.atMostMs;
      const signing = sign(missing, life.atMostMs / 1000);
      for (const path of missing) urls.set(path, this.#keep(keyOf(path, life), ends, urlOf(path, signing)));
    }
    const signed = await Promise.all([...urls].map(async ([path, url]) => [path, await url] as const));
    return new Map(signed.filter((entry): entry is [string, string] => entry[1] !== null));
  }

  #usable(path: string, life: UrlLife): Promise<string | null> | undefined {
    const kept = this.#kept.get(keyOf(path, life));
    if (kept === undefined) return undefined;
    const left = kept.ends - this.now();
    return left >= life.atLeastMs && left <= life.atMostMs ? kept.url : undefined;
  }

  #keep(key: string, ends: number, url: Promise<string | null>): Promise<string | null> {
    const kept = { url, ends };
    keepNewest(this.#kept, key, kept, MOST_URLS);
    // What failed is asked for again, and so is a file that is not there yet.
    const forget = () => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    };
    url.then((address) => address === null && forget(), forget);
    return url;
  }
}

async function urlOf(path: string, signing: Promise<Map<string, string>>): Promise<string | null> {
  return (await signing).get(path) ?? null;
}

function keyOf(path: string, { group = "" }: UrlLife): string {
  return `${group} ${path}`;
}
