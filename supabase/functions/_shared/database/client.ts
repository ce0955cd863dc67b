import { createAdminClient } from "@supabase/server/core";
import type { PostgrestError, SupabaseClient } from "@supabase/supabase-js";
import type { Database } from "./database.types.ts";
import { RequestError } from "../errors/request-errors.ts";
import type { ServerTiming } from "../runtime/server-timing.ts";
import { ConfigurationError } from "../runtime/environment.ts";
import { storageFetch } from "../storage/storage-client.ts";

export type AdminClient = SupabaseClient<Database>;
type Procedures = Database["public"]["Functions"];

/** Long for any of our procedures, short for a caller who waits. A call cut off here may still commit. */
const CALL_LIMIT_MS = 10_000;

/** A database call that failed: `unreachable` when nobody answered, else Postgres or PostgREST said no. */
export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  constructor(
    readonly procedure: string,
    readonly unreachable: boolean,
    detail: string,
  ) {
    super(`${procedure}: ${detail}`);
  }
}

/** What `private.require_account` raises: the token's user is no more. */
const NO_ACCOUNT = "PT401";

/** Postgres ended the transaction for the sake of another one, and nothing of it was kept. */
const GIVEN_WAY: ReadonlySet<string> = new Set(["40001", "40P01"]);

/**
 * Calls a stored procedure as the service role; once more where it had to give way. Throws `DatabaseError`, and
 * `RequestError` for a user without account.
 */
export async function callProcedure<Name extends keyof Procedures & string>(
  client: AdminClient,
  timing: ServerTiming,
  name: Name,
  args: Procedures[Name]["Args"],
): Promise<unknown> {
  const call = () => client.rpc(name, args).abortSignal(AbortSignal.timeout(CALL_LIMIT_MS));
  const { data, error, status } = await timing.measure("db", async () => {
    const first = await call();
    return GIVEN_WAY.has(first.error?.code ?? "") ? await call() : first;
  });
  if (error !== null) {
    if (error.code === NO_ACCOUNT) throw new RequestError("unauthorized");
    throw new DatabaseError(name, isUnreachable(error, status), `${error.code} ${error.message}`);
  }
  return data;
}

/** Whether nobody answered who knows what became of the call: it may have been carried out all the same. */
function isUnreachable(error: PostgrestError, status: number): boolean {
  // supabase-js reports a failed fetch as status 0. Class 08 and 57P0x: the server is gone or going down; PGRST00x: PostgREST
  // cannot reach it (https://docs.postgrest.org/en/stable/references/errors.html). An error without a code is that of a
  // gateway in between.
  const code = error.code ?? "";
  return (
    status === 0 || status === 502 || status === 503 || status === 504 || (status >= 500 && code === "") ||
    /^(08|57P0|PGRST00)/.test(code)
  );
}

/** A client with the service role's rights, by Supabase's own environment variables. Throws `ConfigurationError`. */
export function adminClient(): AdminClient {
  try {
    return createAdminClient<Database>({ supabaseOptions: { global: { fetch: storageFetch } } });
  } catch (cause) {
    throw new ConfigurationError(
      "This project has no secret API key of the new kind (sb_secret_…), or no SUPABASE_URL. " +
        "Create the new API keys: dashboard, Project Settings, API Keys",
      { cause },
    );
  }
}
