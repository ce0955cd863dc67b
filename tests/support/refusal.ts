import assert from "node:assert/strict";
import { z } from "zod";
import { type Answer, KLING, type TestUser, type World } from "./harness.ts";
import { assertChangesNothing } from "./table-dump.ts";

/** An error answer. */
export interface Refusal {
  status: number;
  code: string;
  /** Left out where the sentence is not fixed. */
  error?: string;
  /** The fields besides the envelope's; more may be added one day. */
  fields?: Record<string, unknown>;
  headers?: Record<string, string>;
}

/** A body that every model-independent check passes: five credits. */
export const GOOD_BODY = { model_id: KLING, prompt: "A lighthouse at dusk" };
export const GOOD_PRICE = 5;

/** Fails unless the answer is that row, in the envelope, with the headers that every answer has. */
export function assertRefusal(answer: Answer, { status, code, error, fields = {}, headers = {} }: Refusal): void {
  const { error: sentence, code: actualCode, request_id: requestId } = answer.body;
  assert.equal(`${answer.status} ${actualCode}`, `${status} ${code}`, JSON.stringify(answer.body));
  if (error === undefined) assert.match(String(sentence), /^.{10,}[^.]$/);
  else assert.equal(sentence, error);
  assert.deepEqual(answer.body, { ...answer.body, ...fields });
  assert.equal(requestId, answer.headers.get("x-request-id"));
  assert.match(String(requestId), /^[A-Za-z0-9._:-]{1,128}$/);
  assertCommonHeaders(answer.headers);
  assert.match(answer.headers.get("content-type") ?? "", /^application\/json/);
  for (const [name, value] of Object.entries(headers)) assert.equal(answer.headers.get(name), value, name);
}

/** What every answer of every function carries. */
export function assertCommonHeaders(headers: Headers): void {
  assert.equal(headers.get("access-control-allow-origin"), "*");
  for (const name of ["Retry-After", "X-Idempotent-Replay", "X-Request-Id", "X-RateLimit-Limit"]) {
    assert.ok(headers.get("access-control-expose-headers")?.includes(name), `${name} is not exposed`);
  }
  assert.match(headers.get("server-timing") ?? "", /total;dur=/);
  assert.ok(headers.has("x-request-id"));
}

/** Fails unless POST /generate-video refuses so, changes nothing, and leaves its key free for a request that is right. */
export async function assertRefusedFreely(
  world: World,
  user: TestUser,
  request: { body?: unknown; key?: string; headers?: HeadersInit },
  refusal: Refusal,
): Promise<void> {
  const key = request.key ?? crypto.randomUUID();
  const answer = await assertChangesNothing(world, () => world.generate(user, { body: GOOD_BODY, ...request, key }));
  assertRefusal(answer, refusal);
  await assertKeyIsFree(world, user, key);
}

/** Fails unless the key starts a new job now. */
export async function assertKeyIsFree(world: World, user: TestUser, key: string): Promise<void> {
  const before = await world.balance(user);
  if (before < GOOD_PRICE) await world.sql`select add_credits(${user.id}, ${GOOD_PRICE}, 'test')`;
  const answer = await world.generate(user, { key, body: GOOD_BODY });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(answer.headers.get("x-idempotent-replay"), null);
}

/** POST /generate-video with a body that is no text, and exactly these headers. */
export async function postRaw(world: World, body: BodyInit | null, headers: HeadersInit): Promise<Answer> {
  const response = await fetch(`${world.url}/functions/v1/generate-video`, { method: "POST", body, headers });
  return {
    status: response.status,
    headers: response.headers,
    body: z.record(z.string(), z.unknown()).parse(await response.json()),
  };
}
