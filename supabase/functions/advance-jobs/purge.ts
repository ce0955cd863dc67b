import { callProcedure } from "../_shared/database.ts";
import { discardFiles } from "../_shared/discard.ts";
import type { Tools } from "../_shared/tools.ts";
import { z } from "zod";

const BATCH = 100;

const purgedSchema = z.object({ idempotency_keys: z.number() });
const problemsSchema = z.array(
  z.object({
    problem: z.string(),
    user_id: z.string().nullable(),
    job_id: z.string().nullable(),
    detail: z.string().nullable(),
  }),
);

/** The daily cleaning: expired keys, videos past their retention, and an audit of the books. */
export async function purge(tools: Tools): Promise<Record<string, number>> {
  const call = (name: "purge_expired" | "audit_credits") => callProcedure(tools.client, tools.phases, name, {});
  const purged = purgedSchema.parse(await call("purge_expired"));
  const videos = await deleteExpiredVideos(tools);

  const problems = problemsSchema.parse(await call("audit_credits"));
  for (const problem of problems) {
    tools.log("alert", "books_do_not_balance", problem);
  }
  tools.log("info", "purged", { ...purged, videos, audit_problems: problems.length });
  return { ...purged, videos, audit_problems: problems.length };
}

/** Rows first, each leaving word of its files: files that could not be deleted are tried again tomorrow. */
async function deleteExpiredVideos(tools: Tools): Promise<number> {
  let deleted = 0;
  for (let batch = BATCH; batch === BATCH; deleted += batch) {
    batch = z.number().parse(
      await callProcedure(tools.client, tools.phases, "delete_expired_videos", { p_limit: BATCH }),
    );
  }
  await deleteLeftFiles(tools);
  return deleted;
}

async function deleteLeftFiles(tools: Tools): Promise<void> {
  for (
    let left = await tools.jobs.filesToDelete(BATCH);
    left.length > 0;
    left = await tools.jobs.filesToDelete(BATCH)
  ) {
    await discardFiles(tools, left);
  }
}
