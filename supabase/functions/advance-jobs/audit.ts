import { z } from "zod";
import { callProcedure } from "../_shared/database.ts";
import type { Tools } from "../_shared/tools.ts";
import type { PurgeResult } from "./purge.ts";

const problemsSchema = z.array(
  z.object({
    problem: z.string(),
    user_id: z.string().nullable(),
    job_id: z.string().nullable(),
    detail: z.string().nullable(),
  }),
);

/** Audits the books, and tells the operator of every contradiction. */
export async function auditBooks(tools: Tools): Promise<PurgeResult> {
  const problems = problemsSchema.parse(await callProcedure(tools.client, tools.phases, "audit_credits", {}));
  for (const problem of problems) {
    tools.log("alert", "books_do_not_balance", problem);
  }
  return { count: problems.length, more: false };
}
