import { readClaims, type SigningKey, signToken } from "./tokens.ts";

/**
 * Gap: @supabase/lite signs access tokens without naming the key (`kid`), and a receiver finds the key by its name.
 * So the token in every answer of Auth is signed again with the name of the key.
 */
export async function nameSigningKey(response: Response, key: SigningKey): Promise<Response> {
  if (!response.headers.get("content-type")?.includes("application/json")) return response;
  const answer: unknown = await response.json();
  const headers = new Headers(response.headers);
  headers.delete("content-length");
  if (hasToken(answer)) answer.access_token = signToken(readClaims(answer.access_token), key);
  return new Response(JSON.stringify(answer), { status: response.status, headers });
}

function hasToken(answer: unknown): answer is { access_token: string } {
  return typeof answer === "object" && answer !== null && "access_token" in answer &&
    typeof answer.access_token === "string";
}
