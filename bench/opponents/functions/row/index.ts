// A status poll without anything that ours does besides: a token check, and one row by REST.
import { admin, json, must, userOf } from "../_shared/server.ts";

async function status(request: Request): Promise<Response> {
  const userId = await userOf(request);
  if (userId === null) return json({ error: "Unauthorized" }, 401);
  const jobId = new URL(request.url).searchParams.get("job_id") ?? "";
  const job = must(await admin.from("video_jobs").select("*").eq("job_id", jobId).eq("user_id", userId).maybeSingle());
  return job === null ? json({ error: "Job not found" }, 404) : json(job);
}

export default { fetch: status };
