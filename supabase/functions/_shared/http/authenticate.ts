import { verifyCredentials } from "@supabase/server/core";
import { adminClient } from "../database/client.ts";
import { RequestError } from "../errors/request-errors.ts";
import { readEnvironment } from "../runtime/environment.ts";
import type { Log } from "../runtime/log.ts";
import type { ServerTiming } from "../runtime/server-timing.ts";
import { uuid } from "./fields.ts";
import { isSupabaseIssuer } from "./supabase-issuer.ts";
import { tokenOf } from "./token-scheme.ts";
import { VerifiedTokens } from "./verified-tokens.ts";

/** The part of a request's context that a check of its credentials needs. */
export interface AuthContext {
  timing: ServerTiming;
  log: Log;
}

const verified = new VerifiedTokens();
let otherIssuers: readonly string[] | undefined;

/**
 * Verifies a request's credentials: a signed-in user's token, or the project's secret API key. Returns the user, "" for a
 * key. Throws `unauthorized`.
 */
export async function authenticate(context: AuthContext, request: Request, auth: "user" | "secret"): Promise<string> {
  // Two Authorization headers arrive as one text with a comma. Another server on the way may read the other token.
  if (request.headers.get("authorization")?.includes(",")) throw new RequestError("unauthorized");
  const token = auth === "user" ? tokenOf(request.headers) : null;
  const known = token === null
    ? null
    : await context.timing.measure("auth", () => Promise.resolve(verified.userOf(token)));
  if (known !== null) return known;
  const thirdParty = token === null ? null : await thirdPartyUser(context, token);
  if (thirdParty !== null) return thirdParty;
  const credentials = { token, apikey: request.headers.get("apikey") };
  const { data, error } = await context.timing.measure("auth", () => verifyCredentials(credentials, { auth }));
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

/**
 * The user of a configured issuer's token; null for any other token. The first request with a token of a new identity makes
 * the user.
 */
async function thirdPartyUser(context: AuthContext, token: string): Promise<string | null> {
  otherIssuers ??= readEnvironment().THIRD_PARTY_ISSUERS ?? [];
  if (otherIssuers.length === 0) return null;
  // Imported here: few projects have other identity providers.
  const [{ verifyThirdPartyToken }, { identifyUser }] = await Promise.all([
    import("./third-party-identity.ts"),
    import("../database/identities.ts"),
  ]);
  const verified = await verifyThirdPartyToken(context, token);
  if (verified === null) return null;
  if ("refused" in verified) throw refused(context, verified.refused);
  return await identifyUser({ client: adminClient(), timing: context.timing }, verified.identity);
}

function refused(context: AuthContext, reason: string): RequestError {
  context.log("info", "unauthorized", { reason });
  return new RequestError("unauthorized");
}
