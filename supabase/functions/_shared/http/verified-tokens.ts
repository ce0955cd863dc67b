import { keepNewest } from "../runtime/keep-newest.ts";

/** A token may be good for so much longer after its key was revoked and the instance has heard of it. */
const KEPT_MS = 60_000;
const MOST_TOKENS = 1_000;
/** Longer ones are verified each time, so that all together take a few megabytes at most. */
const LONGEST_TOKEN = 4_096;

/**
 * The users whose tokens this instance has verified in the last minute: a client that polls sends the same token again. A
 * user is found by the whole token only, of which the signature is a part, and never after the token's end.
 */
export class VerifiedTokens {
  readonly #users = new Map<string, { userId: string; ends: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  /** The user of a token that was verified before; null where it must be verified. */
  userOf(token: string): string | null {
    const known = this.#users.get(token);
    return known !== undefined && known.ends > this.now() ? known.userId : null;
  }

  /** Keeps the user of a token that was verified now. `exp` is the token's end, in seconds; without it nothing is kept. */
  keep(token: string, userId: string, exp: unknown): void {
    if (typeof exp !== "number" || token.length > LONGEST_TOKEN) return;
    keepNewest(this.#users, token, { userId, ends: Math.min(exp * 1000, this.now() + KEPT_MS) }, MOST_TOKENS);
  }
}
