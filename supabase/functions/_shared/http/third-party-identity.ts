import { RequestError } from "../errors/request-errors.ts";
import { readEnvironment } from "../runtime/environment.ts";
import { errorText } from "../runtime/log.ts";
import type { AuthContext } from "./authenticate.ts";
import { IssuerUnreachable, RETRY_AFTER_SECONDS } from "./third-party-keys.ts";
import { provenEmail, ThirdPartyTokens } from "./third-party-tokens.ts";

/** Who a token of another identity provider belongs to. */
interface ThirdPartyIdentity {
  issuer: string;
  subject: string;
  email: string | null;
}

let tokens: ThirdPartyTokens | undefined;

/** Made once an instance, so that the issuers' keys are kept. */
function thirdPartyTokens(): ThirdPartyTokens {
  if (tokens === undefined) {
    const { THIRD_PARTY_ISSUERS: issuers = [], THIRD_PARTY_AUDIENCES: audiences } = readEnvironment();
    tokens = new ThirdPartyTokens({ issuers, audiences });
  }
  return tokens;
}

/** Verifies the token of a configured issuer; null for any other token. Throws `unavailable` without the issuer's keys. */
export async function verifyThirdPartyToken(
  context: AuthContext,
  token: string,
): Promise<{ identity: ThirdPartyIdentity } | { refused: string } | null> {
  if (thirdPartyTokens().issuerOf(token) === null) return null;
  const verification = await context.timing.measure("auth", () => thirdPartyTokens().verify(token)).catch((error) => {
    if (!(error instanceof IssuerUnreachable)) throw error;
    context.log("alert", "issuer_unreachable", { issuer: error.message, error: errorText(error.cause) });
    throw new RequestError("unavailable", {}, { "Retry-After": String(RETRY_AFTER_SECONDS) });
  });
  if ("refused" in verification) return verification;
  const { claims } = verification;
  return { identity: { issuer: claims.iss, subject: claims.sub, email: provenEmail(claims) } };
}
