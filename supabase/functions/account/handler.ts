import type { Dependencies } from "../_shared/dependencies.ts";
import { discard } from "../_shared/discard.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { toolsOf } from "../_shared/tools.ts";

/**
 * DELETE /account: ends and refunds what runs, deletes rows, files and the user, and leaves the ledger to nobody. Safe to
 * repeat for as long as the user's last token works.
 */
export async function account(dependencies: Dependencies, call: Call): Promise<Response> {
  const tools = toolsOf(dependencies, call);
  const left = await tools.jobs.eraseAccount(call.userId);
  call.log("info", "account_deleted", { files: left.files.length, cancelled: left.runs.length });
  await discard(tools, left);
  return json({ deleted: true });
}
