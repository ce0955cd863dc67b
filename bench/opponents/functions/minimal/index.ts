// The least that a function can do which starts a paid run: a token check, two calls of procedures that do nothing, and
// one call of the provider.
import { admin, json, must, requestSchema, submit, userOf } from "../_shared/server.ts";

async function generate(request: Request): Promise<Response> {
  const userId = await userOf(request);
  if (userId === null) return json({ error: "Unauthorized" }, 401);
  const body = requestSchema.parse(await request.json());
  must(await admin.rpc("minimal_before", { p_user_id: userId }));
  const requestId = await submit("fal-ai/minimal", body);
  return json(must(await admin.rpc("minimal_after", { p_user_id: userId, p_request_id: requestId })));
}

export default { fetch: generate };
