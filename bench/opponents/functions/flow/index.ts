// The flow of one REST call a step: answered key, balance and model (at the same time), charge, job, submission, update of
// the job, answer of the key. If a step fails, the steps before it are undone.
import { admin, json, must, requestSchema, submit, userOf, type VideoRequest } from "../_shared/server.ts";

const KEY_HOURS = 24;

async function generate(request: Request): Promise<Response> {
  const key = request.headers.get("idempotency-key");
  if (!key) return json({ error: "Idempotency-Key header required" }, 400);
  const userId = await userOf(request);
  if (userId === null) return json({ error: "Unauthorized" }, 401);
  const parsed = requestSchema.safeParse(await request.json());
  if (!parsed.success) return json({ error: "Invalid request", issues: parsed.error.issues }, 400);

  const [known, balances, models] = await Promise.all([
    admin.from("flow_idempotency_log").select("response_data, status_code").eq("user_id", userId)
      .eq("idempotency_key", key).gt("expires_at", new Date().toISOString()).maybeSingle(),
    admin.from("flow_balances").select("credits").eq("user_id", userId).maybeSingle(),
    admin.from("flow_models").select("provider_model_id, cost_per_generation").eq("id", parsed.data.model_id)
      .eq("is_available", true).maybeSingle(),
  ]);
  const [answered, balance, model] = [must(known), must(balances), must(models)];
  if (answered) return json(answered.response_data, answered.status_code);
  if (!model) return json({ error: "Model not found" }, 404);
  const cost = Number(model.cost_per_generation);
  if (!balance || Number(balance.credits) < cost) return json({ error: "Insufficient credits" }, 402);
  return await charge(userId, key, parsed.data, String(model.provider_model_id), cost);
}

async function charge(
  userId: string,
  key: string,
  request: VideoRequest,
  model: string,
  cost: number,
): Promise<Response> {
  const charged = must(
    await admin.rpc("flow_deduct_credits", { p_user_id: userId, p_amount: cost, p_reason: "video_generation" }),
  );
  if (!charged.success) return json(charged, 402);
  const inserted = await admin.from("flow_jobs").insert({ user_id: userId, ...request, credits_used: cost })
    .select("job_id").single();
  if (inserted.error) {
    await refund(userId, cost, null);
    return json({ error: "Failed to create job" }, 500);
  }
  const jobId = String(inserted.data.job_id);

  try {
    const runId = await submit(model, request);
    must(await admin.from("flow_jobs").update({ provider_job_id: runId, status: "processing" }).eq("job_id", jobId));
  } catch (error) {
    await admin.from("flow_jobs").update({ status: "failed", error_message: String(error) }).eq("job_id", jobId);
    await refund(userId, cost, jobId);
    return json({ error: "Provider API failed" }, 500);
  }

  const answer = {
    job_id: jobId,
    status: "pending",
    credits_used: cost,
    credits_remaining: charged.credits_remaining,
  };
  must(
    await admin.from("flow_idempotency_log").insert({
      user_id: userId,
      idempotency_key: key,
      job_id: jobId,
      operation_type: "video_generation",
      response_data: answer,
      status_code: 200,
      expires_at: new Date(Date.now() + KEY_HOURS * 3_600_000).toISOString(),
    }),
  );
  // deno-lint-ignore no-console -- one line a request, as careful authors write it
  console.log(JSON.stringify({ event: "generated", user_id: userId, job_id: jobId }));
  return json(answer);
}

async function refund(userId: string, amount: number, jobId: string | null): Promise<void> {
  must(
    await admin.rpc("flow_add_credits", {
      p_user_id: userId,
      p_amount: amount,
      p_reason: "generation_failed_refund",
      p_job_id: jobId,
    }),
  );
}

export default { fetch: generate };
