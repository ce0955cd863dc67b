/** Tokens of identity providers besides Supabase Auth: docs/identity.md. */

import { decodeJwt, errors, jwtVerify } from "jose";
import { z } from "zod";
import { errorText } from "../runtime/log.ts";
import { IssuerKeys, IssuerUnreachable } from "./third-party-keys.ts";

/** Never HS256: its secret would be the issuer's public key. */
const ALGORITHMS = ["RS256", "ES256"];
/** Clocks differ by that much. */
const TOLERANCE_SECONDS = 5;

const claimsSchema = z.looseObject({
  iss: z.string(),
  // The database holds no control characters, and shows none.
  sub: z.string().min(1).max(255).regex(/^\P{C}+$/u),
  exp: z.number(),
  role: z.literal("authenticated"),
  aud: z.union([z.string(), z.array(z.string())]).optional(),
  azp: z.string().optional().catch(undefined),
});
/** The claims of a verified token, of which others than these are the issuer's own. */
export type ThirdPartyClaims = z.infer<typeof claimsSchema>;

const emailSchema = z.object({
  email: z.string().max(320).regex(/^[^\p{C}\s]+@[^\p{C}\s]+$/u),
  // Some issuers have templates that write a text.
  email_verified: z.union([z.literal(true), z.literal("true")]),
  // As in Supabase Auth, where who is anonymous is not welcomed.
  is_anonymous: z.literal(false).optional(),
});

/** The address that the claims prove; null where they prove none. */
export function provenEmail(claims: ThirdPartyClaims): string | null {
  return emailSchema.safeParse(claims).data?.email ?? null;
}

/** The claims of a good token, or why it is none. */
export type Verification = { claims: ThirdPartyClaims } | { refused: string };

/** How to verify tokens of other identity providers. */
export interface ThirdPartyConfig {
  issuers: readonly string[];
  /** Where there are any, a token must have one as `aud` or `azp`. */
  audiences?: readonly string[] | undefined;
  fetch?: typeof fetch | undefined;
  now?: (() => number) | undefined;
}

/** Verifies the tokens of the configured issuers. It keeps their keys: one an instance is enough. */
export class ThirdPartyTokens {
  readonly #keys: ReadonlyMap<string, IssuerKeys>;
  readonly #audiences: readonly string[];
  readonly #now: () => number;

  constructor({ issuers, audiences = [], fetch: send = fetch, now = Date.now }: ThirdPartyConfig) {
    this.#keys = new Map(issuers.map((issuer) => [issuer, new IssuerKeys(issuer, send, now)]));
    this.#audiences = audiences;
    this.#now = now;
  }

  /** The configured issuer that a token names; null for other tokens. Nothing is verified. */
  issuerOf(token: string): string | null {
    if (this.#keys.size === 0) return null;
    try {
      const { iss } = decodeJwt(token);
      return iss !== undefined && this.#keys.has(iss) ? iss : null;
    } catch {
      return null;
    }
  }

  /** Verifies a token that names a configured issuer. Throws `IssuerUnreachable`. */
  async verify(token: string): Promise<Verification> {
    const issuer = this.issuerOf(token);
    const keys = issuer === null ? undefined : this.#keys.get(issuer);
    if (issuer === null || keys === undefined) return { refused: "unknown_issuer" };
    try {
      const { payload } = await jwtVerify(token, keys.find, {
        issuer,
        algorithms: ALGORITHMS,
        requiredClaims: ["sub", "exp"],
        clockTolerance: TOLERANCE_SECONDS,
        currentDate: new Date(this.#now()),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return { refused: `claims: ${claims.error.issues[0]?.path.join(".")}` };
      return this.#isForUs(claims.data) ? { claims: claims.data } : { refused: "audience" };
    } catch (error) {
      if (error instanceof IssuerUnreachable) throw error;
      return { refused: error instanceof errors.JOSEError ? error.code : errorText(error) };
    }
  }

  #isForUs({ aud = [], azp }: ThirdPartyClaims): boolean {
    return this.#audiences.length === 0 || [aud, azp ?? []].flat().some((name) => this.#audiences.includes(name));
  }
}
