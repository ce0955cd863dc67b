// A worker as it is written by hand: one call claims a batch of due jobs, and each is looked at: one call of the provider and
// one update. A finished run is copied to Storage first. No retries, no leases by attempt, no refunds, no thumbnails.
import { admin, json, must } from "../_shared/server.ts";
import { z } from "zod";

const BATCH = 16;
const MAX_ACTIONS = 200;

const claimed = z.array(z.object({ job_id: z.string(), user_id: z.string(), provider_job_id: z.string() }));
const status = z.object({ status: z.string() });
const result = z.object({ video: z.object({ url: z.string() }) });

async function ask<Answer>(schema: z.ZodType<Answer>, path: string): Promise<Answer> {
  const response = await fetch(`${Deno.env.get("FAL_QUEUE_URL")}/fal-ai/flow/requests/${path}`, {
    headers: { "Authorization": `Key ${Deno.env.get("FAL_KEY")}` },
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw new Error(`The provider answered ${response.status}`);
  return schema.parse(await response.json());
}

async function look(job: z.infer<typeof claimed>[number]): Promise<boolean> {
  const run = await ask(status, `${job.provider_job_id}/status`);
  if (run.status !== "COMPLETED") {
    must(await admin.from("flow_jobs").update({ progress: 50, checked_at: new Date() }).eq("job_id", job.job_id));
    return false;
  }
  const { video } = await ask(result, job.provider_job_id);
  const file = await fetch(video.url);
  if (!file.ok || file.body === null) throw new Error(`The file answered ${file.status}`);
  const path = `${job.user_id}/${job.job_id}.mp4`;
  must(
    await admin.storage.from("videos").upload(path, file.body, {
      contentType: "video/mp4",
      upsert: true,
      duplex: "half",
    }),
  );
  const done = { status: "completed", video_url: path, completed_at: new Date(), next_check_at: null };
  must(await admin.from("flow_jobs").update(done).eq("job_id", job.job_id));
  return true;
}

async function work(): Promise<Response> {
  const counts = { claimed: 0, completed: 0 };
  while (counts.claimed < MAX_ACTIONS) {
    const jobs = claimed.parse(must(await admin.rpc("flow_claim_jobs", { p_limit: BATCH })));
    const ends = await Promise.all(jobs.map(look));
    counts.claimed += jobs.length;
    counts.completed += ends.filter(Boolean).length;
    if (jobs.length < BATCH) break;
  }
  return json(counts);
}

export default { fetch: work };
