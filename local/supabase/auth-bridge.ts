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

/**
 * Gap: @supabase/lite has no admin API of users. `POST /auth/v1/admin/users` with the secret key is served as a sign-up
 * with a password that nobody knows.
 */
export async function createUser(
  request: Request,
  serve: (request: Request) => Promise<Response>,
  keys: { secret: string; publishable: string },
): Promise<Response> {
  const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? request.headers.get("apikey");
  if (token !== keys.secret) return Response.json({ code: 401, msg: "The secret key is needed" }, { status: 401 });
  const { email }: { email?: unknown } = await request.json();
  const answer = await serve(
    new Request(new URL("/auth/v1/signup", request.url), {
      method: "POST",
      headers: { apikey: keys.publishable, "content-type": "application/json" },
      body: JSON.stringify({ email, password: crypto.randomUUID() }),
    }),
  );
  const session: unknown = await answer.json();
  const user = answer.ok && typeof session === "object" && session !== null && "user" in session
    ? session.user
    : session;
  return Response.json(user, { status: answer.status });
}

function hasToken(answer: unknown): answer is { access_token: string } {
  return typeof answer === "object" && answer !== null && "access_token" in answer &&
    typeof answer.access_token === "string";
}
