import assert from "node:assert/strict";
import { z } from "zod";
import type { StackOptions } from "../../local/stack/stack.ts";
import { download, simulatorOf } from "./generation.ts";
import { type Answer, type TestUser, useWorld, type World } from "./harness.ts";

/** A world as it is shipped: with thumbnails. */
export function useProductWorld(options: StackOptions = {}): World {
  const world = useWorld(options);
  Deno.test.beforeAll(async () => {
    await world.sql`update pipeline_steps set is_available = true where name = 'thumbnail'`;
  });
  Deno.test.beforeEach(() => simulatorOf(world).clear());
  return world;
}

/** Polls as a client does, at its own pace, until the job is over; all answers, oldest first. */
export async function pollEvery(
  world: World,
  seconds: number | ((attempt: number) => number),
  ask: () => Promise<Answer>,
  isOver: (answer: Answer) => boolean = ({ body }) => body.status === "completed" || body.status === "failed",
): Promise<{ seen: Answer[]; last: Answer }> {
  const seen: Answer[] = [];
  for (let attempt = 0; attempt < 150; attempt++) {
    await world.travel(typeof seconds === "number" ? seconds : seconds(attempt));
    const last = await ask();
    assert.equal(last.status, 200, JSON.stringify(last.body));
    seen.push(last);
    if (isOver(last)) return { seen, last };
  }
  throw new Error(`The client gave up:\n${world.functions.log.slice(-20).join("\n")}`);
}

/** What the user's own ledger says of a job, as their app reads it. */
export async function ledgerOf(
  world: World,
  user: TestUser,
  jobId: unknown,
): Promise<[change: number, reason: string][]> {
  const entries = await readTable(world, user, `quota_log?select=change,reason&job_id=eq.${jobId}&order=id`);
  return entries.map(({ change, reason }) => [Number(change), String(reason)]);
}

/** The user's credits, as their app reads them. */
export async function creditsOf(world: World, user: TestUser): Promise<unknown> {
  const [account] = await readTable(world, user, "credit_balances?select=credits_remaining");
  return account?.credits_remaining;
}

async function readTable(world: World, user: TestUser, query: string): Promise<Record<string, unknown>[]> {
  const headers = { apikey: world.publishableKey, Authorization: `Bearer ${user.token}` };
  const response = await fetch(`${world.url}/rest/v1/${query}`, { headers });
  assert.equal(response.status, 200);
  return z.array(z.record(z.string(), z.unknown())).parse(await response.json());
}

/** Fails unless the file is a film. */
export async function assertFilm(url: unknown): Promise<void> {
  const bytes = await download(url);
  assert.equal(new TextDecoder().decode(bytes.subarray(4, 8)), "ftyp");
}

/** Fails unless the file is a JPEG. */
export async function assertJpeg(url: unknown): Promise<void> {
  assert.deepEqual([...(await download(url)).subarray(0, 3)], [0xff, 0xd8, 0xff]);
}
