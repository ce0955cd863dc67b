import assert from "node:assert/strict";
import { z } from "zod";
import { SAMPLE } from "../../../local/simulators/shared/samples.ts";
import { INSTANT, PRICE, simulatorOf } from "../../support/generation.ts";
import { type Answer, until, type World } from "../../support/harness.ts";
import { assertConsistentAnswers, CREDITS, jobOf, type Order } from "./orders.ts";

/** How often the worker is called on Supabase. */
const WORKER_PERIOD_SECONDS = 10;
const RECOVERY_LIMIT_MS = 60_000;

/** Seconds until the next job is due and not leased; null if no job is in the queue. */
async function secondsUntilDue({ sql }: World): Promise<number | null> {
  const [row] = await sql`
    select ceil(extract(epoch from min(greatest(next_check_at, lease_until)) - private.clock()))::integer as seconds
    from private.job_queue where next_check_at is not null`;
  return z.number().nullable().parse(row?.seconds);
}

/** Lets leases, grace times and pauses run out, and calls the worker until no work is left. Fails after a time limit. */
export async function recover(world: World): Promise<void> {
  const simulator = simulatorOf(world);
  simulator.configure(INSTANT);
  await until("the runs are over", () => simulator.requests.every(({ state }) => state === "COMPLETED"));

  const end = performance.now() + RECOVERY_LIMIT_MS;
  for (let wait = await secondsUntilDue(world); wait !== null; wait = await secondsUntilDue(world)) {
    assert.ok(performance.now() < end, `jobs do not end:\n${world.functions.log.slice(-20).join("\n")}`);
    await world.travel(Math.max(wait, 0) + WORKER_PERIOD_SECONDS);
    const { status, body } = await world.tick();
    assert.equal(status, 200, JSON.stringify(body));
  }
}

const jobsSchema = z.array(z.object({
  job_id: z.string(),
  idempotency_key: z.string(),
  status: z.string(),
  error_code: z.string().nullable(),
  ledger: z.array(z.number()),
  is_stored: z.boolean(),
  is_late: z.boolean(),
}));
type Job = z.infer<typeof jobsSchema>[number];

async function jobsOf({ sql }: World, users: readonly string[]): Promise<Job[]> {
  return jobsSchema.parse([
    ...await sql`
      select jobs.job_id, idempotency_key, status, error_code,
        array(select change from quota_log as entries where entries.job_id = jobs.job_id order by id) as ledger,
        exists (select from storage.objects where bucket_id = 'videos' and name = video_path) as is_stored,
        completed_at > deadline_at + make_interval(secs => ${WORKER_PERIOD_SECONDS}) as is_late
      from video_jobs as jobs
      join private.job_queue using (job_id)
      left join idempotency_log as keys on keys.job_id = jobs.job_id
      where jobs.user_id in ${sql([...users])}`,
  ]);
}

/**
 * Fails unless each order was charged once, ended in time as it must, was delivered or refunded once, and every balance
 * agrees. `mayFail` lists the error codes with which an order may have failed that should be completed.
 */
export async function assertBooks(world: World, orders: readonly Order[], mayFail: string[] = []): Promise<void> {
  await world.audit();
  const users = new Map(orders.map(({ user }) => [user.id, user]));
  const jobs = await jobsOf(world, [...users.keys()]);
  assert.equal(jobs.length, orders.length, "one job for each key, and no other");
  const byKey = new Map(jobs.map((job) => [job.idempotency_key, job]));

  for (const order of orders) {
    assertConsistentAnswers(order);
    const job = byKey.get(order.key);
    assert.equal(job?.job_id, jobOf(order));
    assertEnded(order, job, mayFail);
  }
  for (const user of users.values()) {
    const paid = orders.filter((order) => order.user === user && byKey.get(order.key)?.status === "completed");
    assert.equal(await world.balance(user), CREDITS - PRICE * paid.length);
  }
  await assertDelivered(world, orders);
}

function assertEnded({ end }: Order, job: Job, mayFail: string[]): void {
  const what = JSON.stringify(job);
  assert.equal(job.is_late, false, what);
  if (job.status === "completed") {
    assert.deepEqual([end, job.ledger, job.is_stored], ["completed", [-PRICE], true], what);
  } else {
    const reasons = end === "failed" ? ["content_policy", ...mayFail] : mayFail;
    assert.ok(reasons.includes(String(job.error_code)), what);
    assert.deepEqual([job.status, job.ledger], ["failed", [-PRICE, PRICE]], what);
  }
}

/** Checks what the users get in the end: the video, or the refund. */
async function assertDelivered(world: World, orders: readonly Order[]): Promise<void> {
  const users = Map.groupBy(orders, ({ user }) => user.id).values();
  await Promise.all(Array.from(users, async (own) => {
    for (const order of own) {
      const { status, body } = await world.status(order.user, jobOf(order));
      assert.equal(status, 200, world.functions.log.slice(-10).join("\n"));
      if (body.status === "failed") assert.equal(body.credits_refunded, PRICE);
      else assert.equal(await sizeOf(body), SAMPLE.bytes.mp4, JSON.stringify(body));
    }
  }));
}

async function sizeOf({ video_url }: Answer["body"]): Promise<number> {
  const response = await fetch(String(video_url));
  return (await response.arrayBuffer()).byteLength;
}
