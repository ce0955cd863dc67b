import { z } from "zod";
import { callProcedure } from "../_shared/database/client.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import type { PurgeResult } from "./purge.ts";

/** Ledger entries of one call: a few tenths of a second. */
const ENTRIES = 5000;
/** Users of one call: with a thousand entries each it takes a second or two, and hosted Postgres allows 8 s. */
const USERS = 100;
/** Calls of one task: each costs a few milliseconds of CPU. */
const MOST_CALLS = 40;

const problemsSchema = z.array(
  z.object({
    problem: z.string(),
    user_id: z.string().nullable(),
    job_id: z.string().nullable(),
    detail: z.string().nullable(),
  }),
);
const recentSchema = z.object({ problems: problemsSchema, next: z.number().nullable() });
const sliceSchema = z.object({ problems: problemsSchema, more: z.boolean() });

/** Audits what is new in the books. */
export async function auditRecent(context: JobContext, until: number): Promise<PurgeResult> {
  let count = 0;
  let after: number | null = null;
  for (let calls = 0; calls < MOST_CALLS && performance.now() < until; calls++) {
    const args = { p_limit: ENTRIES, ...(after === null ? {} : { p_after_id: after }) };
    const { problems, next } = recentSchema.parse(
      await callProcedure(context.client, context.timing, "audit_recent", args),
    );
    count += tell(context, problems);
    if (next === null) return { count, more: false };
    after = next;
  }
  return { count, more: true };
}

/** Audits everything, some users at a time: a round through all of them takes one or several purges. */
export async function auditUsers(context: JobContext, until: number): Promise<PurgeResult> {
  let count = 0;
  for (let calls = 0; calls < MOST_CALLS && performance.now() < until; calls++) {
    const slice = sliceSchema.parse(
      await callProcedure(context.client, context.timing, "audit_next_users", { p_limit: USERS }),
    );
    count += tell(context, slice.problems);
    if (!slice.more) return { count, more: false };
  }
  return { count, more: true };
}

/** Tells the operator of every contradiction, and says how many there are. */
function tell(context: JobContext, problems: z.infer<typeof problemsSchema>): number {
  for (const problem of problems) context.log("alert", "books_do_not_balance", problem);
  return problems.length;
}
