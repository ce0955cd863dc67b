import { createAdminClient } from "@supabase/server/core";
import type { PostgrestError, SupabaseClient } from "@supabase/supabase-js";
import type { z } from "zod";
import type { Database } from "./database.types.ts";
import { RequestError } from "../errors/request-errors.ts";
import type { ServerTiming } from "../runtime/server-timing.ts";
import { ConfigurationError } from "../runtime/environment.ts";
import { storageFetch } from "../storage/storage-client.ts";

export type AdminClient = SupabaseClient<Database>;
type Procedures = Database["public"]["Functions"];

/** The part of a request's context that a database call needs. */
export interface DatabaseContext {
  client: AdminClient;
  timing: ServerTiming;
  /** Whether an answer that is still to be sent shows its owner what becomes of the job. Without it no answer does. */
  ownerWaits?: () => boolean;
}

/** Long for any of our procedures, short for a user who waits. A call that ends here may still commit. */
const CALL_LIMIT_MS = 10_000;
/**
 * For procedures with a `statement_timeout` of their own, which is shorter than this: what we no longer wait for must have
 * been rolled back. Hosted, no call is longer than 60 s.
 */
export const LONG_CALL_LIMIT_MS = 55_000;

/** A database call that failed. `unreachable`: there was no answer; else Postgres or PostgREST refused the call. */
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

/** What `private.require_account` raises: the token's user was deleted. */
const NO_ACCOUNT = "PT401";

/** Postgres rolled the transaction back because of a conflict with another one: a serialization failure, a deadlock. */
const CONFLICTS: ReadonlySet<string> = new Set(["40001", "40P01"]);

/** Several transactions may be in the way of one: saves of a canvas that is deleted with its owner's account. */
const MOST_CALLS = 4;

/**
 * Calls a stored procedure as the service role, and again after a conflict with another transaction. Only the modules of
 * this folder call it. Throws `DatabaseError`, and `RequestError` for a user without account.
 */
export async function callProcedure<Name extends keyof Procedures & string, Answer>(
  { client, timing }: DatabaseContext,
  answer: z.ZodType<Answer>,
  name: Name,
  args: Procedures[Name]["Args"],
  limitMs = CALL_LIMIT_MS,
): Promise<Answer> {
  const call = () => client.rpc(name, args).abortSignal(AbortSignal.timeout(limitMs));
  const { data, error, status } = await timing.measure("db", async () => {
    let result = await call();
    for (let calls = 1; calls < MOST_CALLS && CONFLICTS.has(result.error?.code ?? ""); calls++) result = await call();
    return result;
  });
  if (error !== null) {
    if (error.code === NO_ACCOUNT) throw new RequestError("unauthorized");
    throw new DatabaseError(name, isUnreachable(error, status), `${error.code} ${error.message}`);
  }
  return answer.parse(data);
}

/** Whether there was no answer from Postgres: the call may have been carried out all the same. */
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
