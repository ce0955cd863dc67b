// The way that the documents of such an app write it themselves, step after step: a client for each request, Auth is asked
// who the user is, and the charge is a stored procedure. It is ours in code; only the order of the steps is theirs.
import { createAdminClient } from "@supabase/server/core";
import { type admin, json, must, requestSchema, submit, type VideoRequest } from "../_shared/server.ts";

const KEY_HOURS = 24;

async function generate(request: Request): Promise<Response> {
  const supabase = createAdminClient();
  const key = request.headers.get("idempotency-key");
  if (!key) return json({ error: "Idempotency-Key header required" }, 400);
  const body = requestSchema.parse(await request.json());
  const token = request.headers.get("authorization")?.replace("Bearer ", "");
  const { data: { user } } = await supabase.auth.getUser(token);
  if (user === null) return json({ error: "Unauthorized" }, 401);

  const answered = must(
    await supabase.from("flow_idempotency_log").select("response_data, status_code").eq("idempotency_key", key)
      .eq("user_id", user.id).gt("expires_at", new Date().toISOString()).maybeSingle(),
  );
  if (answered !== null) return json(answered.response_data, answered.status_code);
  const model = must(
    await supabase.from("flow_models").select("cost_per_generation, provider_model_id").eq("id", body.model_id)
      .maybeSingle(),
  );
  if (model === null) return json({ error: "Model not found" }, 404);
  const cost = Number(model.cost_per_generation);
  const charge = { p_user_id: user.id, p_amount: cost, p_reason: "video_generation" };
  const charged = must(await supabase.rpc("flow_deduct_credits", charge));
  if (!charged.success) return json(charged, 402);

  const job = must(
    await supabase.from("flow_jobs").insert({ user_id: user.id, ...body, credits_used: cost }).select().single(),
  );
  if (!await submitJob(supabase, job.job_id, String(model.provider_model_id), body)) {
    const refund = { ...charge, p_reason: "generation_failed_refund", p_job_id: job.job_id };
    must(await supabase.rpc("flow_add_credits", refund));
    return json({ error: "Provider API failed" }, 500);
  }
  const answer = {
    job_id: job.job_id,
    status: "pending",
    credits_used: cost,
    credits_remaining: charged.credits_remaining,
  };
  must(
    await supabase.from("flow_idempotency_log").insert({
      idempotency_key: key,
      user_id: user.id,
      job_id: job.job_id,
      operation_type: "video_generation",
      response_data: answer,
      status_code: 200,
      expires_at: new Date(Date.now() + KEY_HOURS * 3_600_000).toISOString(),
    }),
  );
  return json(answer);
}

/** Whether the provider took the job. */
async function submitJob(
  supabase: typeof admin,
  jobId: string,
  model: string,
  request: Omit<VideoRequest, "model_id">,
): Promise<boolean> {
  try {
    const runId = await submit(model, request);
    must(await supabase.from("flow_jobs").update({ provider_job_id: runId, status: "processing" }).eq("job_id", jobId));
    return true;
  } catch (error) {
    await supabase.from("flow_jobs").update({ status: "failed", error_message: String(error) }).eq("job_id", jobId);
    return false;
  }
}

export default { fetch: generate };
