import { ThirdPartyTokens } from "../../supabase/functions/_shared/http/third-party-tokens.ts";
import { readEnvironment } from "../../supabase/functions/_shared/runtime/environment.ts";
import { readClaims, type SigningKey, signToken, verifyToken } from "./tokens.ts";

/** Verifies users' tokens, of this stack and of other identity providers, as a project with third-party auth does. */
export class UserTokens {
  readonly #thirdParty: ThirdPartyTokens;

  constructor(private readonly signingKey: SigningKey) {
    const { THIRD_PARTY_ISSUERS: issuers = [], THIRD_PARTY_AUDIENCES: audiences } = readEnvironment();
    this.#thirdParty = new ThirdPartyTokens({ issuers, audiences });
  }

  /** The claims of a token that is signed by its issuer; null of another. The caller checks the time of our own tokens. */
  async claimsOf(token: string): Promise<Record<string, unknown> | null> {
    if (this.#thirdParty.issuerOf(token) === null) {
      return verifyToken(token, this.signingKey) ? readClaims(token) : null;
    }
    // A project fetches the keys beforehand; a fetch that fails here makes a token that cannot be verified.
    const verified = await this.#thirdParty.verify(token).catch(() => ({ refused: "unreachable" }));
    return "claims" in verified ? verified.claims : null;
  }

  /**
   * Gap: lite verifies only tokens of its own secret. So it gets another provider's verified claims signed anew. Returns
   * PostgREST's refusal for a token that cannot be verified.
   */
  async signAnew(request: Request): Promise<Request | Response> {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (token === undefined || this.#thirdParty.issuerOf(token) === null) return request;
    const claims = await this.claimsOf(token);
    if (claims === null) {
      await request.body?.cancel();
      return Response.json({ code: "PGRST301", message: "No suitable key or wrong key type" }, { status: 401 });
    }
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${signToken(claims, this.signingKey)}`);
    return new Request(request, { headers });
  }
}
