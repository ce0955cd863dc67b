import { verifyAuth } from "@supabase/server/core";
import { adminClient } from "../database/client.ts";
import { identifyUser } from "../database/identities.ts";
import { RequestError } from "../errors/request-errors.ts";
import { readEnvironment } from "../runtime/environment.ts";
import { errorText, type Log } from "../runtime/log.ts";
import type { ServerTiming } from "../runtime/server-timing.ts";
import { uuid } from "./fields.ts";
import { IssuerUnreachable, RETRY_AFTER_SECONDS } from "./third-party-keys.ts";
import { isSupabaseIssuer, provenEmail, ThirdPartyTokens } from "./third-party-tokens.ts";
import { tokenOf, withBearer } from "./token-scheme.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

interface AuthContext {
  timing: ServerTiming;
  log: Log;
}

const verified = new VerifiedTokens();
let thirdParty: ThirdPartyTokens | undefined;

/** Made once an instance, so that the issuers' keys are kept. */
function thirdPartyTokens(): ThirdPartyTokens {
  if (thirdParty === undefined) {
    const { THIRD_PARTY_ISSUERS: issuers = [], THIRD_PARTY_AUDIENCES: audiences } = readEnvironment();
    thirdParty = new ThirdPartyTokens({ issuers, audiences });
  }
  return thirdParty;
}

/**
 * Verifies a request's credentials: a signed-in user's token, or the project's secret API key. Returns the user, "" for a
 * key. Throws `unauthorized`.
 */
export async function authenticate(context: AuthContext, request: Request, auth: "user" | "secret"): Promise<string> {
  // Two Authorization headers arrive as one text with a comma. Another server on the way may read the other token.
  if (request.headers.get("authorization")?.includes(",")) throw new RequestError("unauthorized");
  const headers = withBearer(request.headers);
  const token = auth === "user" ? tokenOf(headers) : null;
  const known = token === null
    ? null
    : await context.timing.measure("auth", () => Promise.resolve(verified.userOf(token)));
  if (known !== null) return known;
  if (token !== null && thirdPartyTokens().issuerOf(token) !== null) return await thirdPartyUser(context, token);
  const credentials = new Request(request.url, { headers });
  const { data, error } = await context.timing.measure("auth", () => verifyAuth(credentials, { auth }));
  if (error !== null) {
    if (error.status !== 401) throw error;
    throw refused(context, error.code);
  }
  if (auth === "secret") return "";
  // A service token has no user. A token of an issuer that is not configured has one that is not ours.
  const userId = uuid.safeParse(data.userClaims?.id);
  if (data.userClaims?.role !== "authenticated" || !isSupabaseIssuer(data.jwtClaims?.iss) || !userId.success) {
    throw refused(context, "not_a_user");
  }
  if (token !== null) verified.keep(token, userId.data, data.jwtClaims?.exp);
  return userId.data;
}

/** The user of a configured issuer's token. The first request with a token of a new identity makes the user. */
async function thirdPartyUser(context: AuthContext, token: string): Promise<string> {
  const verification = await context.timing.measure("auth", () => thirdPartyTokens().verify(token)).catch((error) => {
    if (!(error instanceof IssuerUnreachable)) throw error;
    context.log("alert", "issuer_unreachable", { issuer: error.message, error: errorText(error.cause) });
    throw new RequestError("unavailable", {}, { "Retry-After": String(RETRY_AFTER_SECONDS) });
  });
  if ("refused" in verification) throw refused(context, verification.refused);
  const { claims } = verification;
  const identity = { issuer: claims.iss, subject: claims.sub, email: provenEmail(claims) };
  return await identifyUser({ client: adminClient(), timing: context.timing }, identity);
}

function refused(context: AuthContext, reason: string): RequestError {
  context.log("info", "unauthorized", { reason });
  return new RequestError("unauthorized");
}
