import { auditNextUsers, type AuditProblem, auditRecent, type RecentAudit } from "../_shared/database/maintenance.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import type { PurgeResult } from "./purge.ts";

/** Ledger entries of one call: a few tenths of a second. */
const ENTRIES = 5000;
/** Users of one call: with a thousand entries each it takes a second or two, and hosted Postgres allows 8 s. */
const USERS = 100;
/** Calls of one task: each costs a few milliseconds of CPU. */
const MAX_CALLS = 40;

/** Audits the new entries of the ledger. */
export async function auditNewEntries(context: JobContext, until: number): Promise<PurgeResult> {
  let count = 0;
  let after: number | null = null;
  for (let calls = 0; calls < MAX_CALLS && performance.now() < until; calls++) {
    const { problems, next }: RecentAudit = await auditRecent(context, ENTRIES, after);
    count += reportProblems(context, problems);
    if (next === null) return { count, more: false };
    after = next;
  }
  return { count, more: true };
}

/** Audits everything, some users at a time: a round through all users takes one or several purges. */
export async function auditUsers(context: JobContext, until: number): Promise<PurgeResult> {
  let count = 0;
  for (let calls = 0; calls < MAX_CALLS && performance.now() < until; calls++) {
    const { problems, more } = await auditNextUsers(context, USERS);
    count += reportProblems(context, problems);
    if (!more) return { count, more: false };
  }
  return { count, more: true };
}

/** Alerts the operator of every contradiction; returns how many there are. */
function reportProblems(context: JobContext, problems: AuditProblem[]): number {
  for (const problem of problems) context.log("alert", "books_do_not_balance", problem);
  return problems.length;
}
