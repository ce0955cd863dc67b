import { z } from "zod";
import type { GenerationRequest, RequestIdentity } from "../_shared/database/new-jobs.ts";
import { canonicalJson, sha256Hex } from "../_shared/http/fingerprint.ts";
import { readBody } from "../_shared/http/body.ts";
import { json } from "../_shared/http/endpoint.ts";
import { refusalBody, RequestError } from "../_shared/errors/request-errors.ts";
import { identityOf, optionalKey } from "../_shared/http/idempotency-key.ts";
import { errorText } from "../_shared/runtime/log.ts";
import { requireOwnFile, type StartedJob, startJob } from "../_shared/jobs/start.ts";
import { submitLater } from "../_shared/jobs/submit-later.ts";
import type { JobContext } from "../_shared/jobs/context.ts";
import { batchBody, MAX_BATCH, settingsOf, type TransitionBody, transitionBody } from "./request.ts";

/** POST /transitions/create-and-generate/: charged and created at once, submitted after the answer. */
export async function createTransition(context: JobContext, request: Request): Promise<Response> {
  const key = optionalKey(request);
  const body = await readBody(request, transitionBody);
  const requestHash = await sha256Hex(canonicalJson(["transition", withoutMaxCredits(body)]));
  const started = await start(context, body, identityOf(key, requestHash));
  const task = taskOf(started);
  context.logFields.job_id = task.task_id;
  const message = "Transition creation and video generation started";
  return json({ ...task, message }, 202, replayHeader([started]));
}

/**
 * POST /transitions/batch-create-and-generate/: each transition is charged and created by itself. Those that cannot be
 * created are returned with the reason, and tried again by the same key. A batch without any created one is refused.
 */
export async function createBatch(context: JobContext, request: Request): Promise<Response> {
  const key = optionalKey(request);
  const body = await readBody(request, batchBody);
  const requestHash = await sha256Hex(
    canonicalJson(["transitions", { transitions: body.transitions.map(withoutMaxCredits) }]),
  );
  const identity = identityOf(key, requestHash);
  // The first item has the key itself, so that a single request with it is refused as another request.
  const keyOfItem = async (index: number) => {
    if (index === 0) return identity.idempotencyKey;
    const hash = await sha256Hex(canonicalJson(["batch", identity.idempotencyKey, index]));
    return identityOf(key === null ? null : hash, hash).idempotencyKey;
  };
  const siblingKeys = await Promise.all(Array.from({ length: MAX_BATCH }, (_, index) => keyOfItem(index)));
  const items: (StartedJob | RequestError)[] = [];
  for (const [index, transition] of body.transitions.entries()) {
    const before = items.at(-1);
    // Once the database is unreachable, the other items fail at once instead of waiting for it again.
    const isGone = before instanceof RequestError && before.code === "unavailable";
    const batchSince = items.find(isStarted)?.since;
    const identityOfItem = { ...identity, idempotencyKey: await keyOfItem(index), siblingKeys, batchSince };
    items.push(isGone ? before : await startItem(context, transition, identityOfItem));
  }
  const [first] = items;
  const started = items.filter(isStarted);
  if (started.length === 0 && first instanceof RequestError) throw first;
  const tasks = items.map((item, index) => ({
    index,
    ...(item instanceof RequestError ? refusedTask(context, item) : taskOf(item)),
  }));
  return json(
    {
      // Without a key the same batch after ten seconds is another group.
      task_group_id: await groupId(context.userId, key ?? started.map(({ response }) => response.job_id)),
      tasks,
      total: tasks.length,
      status: "pending",
      message: "Batch transition creation and video generation started",
    },
    202,
    replayHeader(started),
  );
}

function isStarted(item: StartedJob | RequestError): item is StartedJob {
  return !(item instanceof RequestError);
}

/** One transition of a batch, or the error of this one alone. */
async function startItem(
  context: JobContext,
  body: TransitionBody,
  identity: RequestIdentity,
): Promise<StartedJob | RequestError> {
  try {
    return await start(context, body, identity);
  } catch (error) {
    if (error instanceof RequestError) return error;
    context.log("error", "unavailable", { error: errorText(error) });
    return new RequestError("unavailable", {}, { "Retry-After": "2" });
  }
}

function refusedTask(context: JobContext, refusal: RequestError): Record<string, unknown> {
  return { task_id: null, status: "failed", ...refusalBody(refusal, context) };
}

/** The body as it is compared with that of a repeated request: `max_credits` does not change the video. */
function withoutMaxCredits({ max_credits: _, ...body }: TransitionBody): Omit<TransitionBody, "max_credits"> {
  return body;
}

async function start(context: JobContext, body: TransitionBody, identity: RequestIdentity): Promise<StartedJob> {
  requireOwnFile(context, "front_image_path", body.front_image_path);
  requireOwnFile(context, "tail_image_path", body.tail_image_path);
  const wish: GenerationRequest = {
    kind: "transition",
    userId: context.userId,
    ...identity,
    modelId: body.model_id ?? undefined,
    prompt: body.prompt,
    settings: settingsOf(body),
    imageUrl: body.front_image ?? undefined,
    imagePath: body.front_image_path ?? undefined,
    tailImageUrl: body.tail_image ?? undefined,
    tailImagePath: body.tail_image_path ?? undefined,
    nodeId: body.node_id ?? undefined,
    maxCredits: body.max_credits ?? undefined,
  };
  const started = await startJob(context, wish, "");
  if (started.outcome === "created") submitLater(context, started.leased_job);
  return started;
}

const responseSchema = z.object({ job_id: z.string(), credits_used: z.number(), credits_remaining: z.number() });

/** A started transition in the words of this endpoint. */
function taskOf({ response }: StartedJob): { task_id: string } & Record<string, unknown> {
  const { job_id, credits_used, credits_remaining } = responseSchema.parse(response);
  return { task_id: job_id, status: "pending", credits_used, credits_remaining };
}

function replayHeader(started: StartedJob[]): Record<string, string> {
  return started.every(({ outcome }) => outcome === "replayed") ? { "X-Idempotent-Replay": "true" } : {};
}

/** The same id for each repetition of a batch: a UUID (version 8: https://www.rfc-editor.org/rfc/rfc9562#section-5.8). */
async function groupId(userId: string, key: unknown): Promise<string> {
  const hash = await sha256Hex(canonicalJson(["group", userId, key]));
  return [hash.slice(0, 8), hash.slice(8, 12), `8${hash.slice(13, 16)}`, `8${hash.slice(17, 20)}`, hash.slice(20, 32)]
    .join("-");
}
