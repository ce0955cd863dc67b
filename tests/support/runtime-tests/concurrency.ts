// Many requests at once. These tests run under the local and under the hosted version of Deno.
import assert from "node:assert/strict";
import { prepareGeneration, PRICE, simulatorOf, startGeneration } from "../generation.ts";
import { type Answer, KLING, type World } from "../harness.ts";

/** Makes calls at the same time. Fails if one of them gets no answer. */
const atOnce = <T>(count: number, call: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => call(index)));

const withStatus = (answers: Answer[], status: number) => answers.filter((answer) => answer.status === status);

/** The runs of the simulator must take no time (`INSTANT`). */
export function testConcurrentRequests(world: World): void {
  Deno.test("a hundred equal requests with one key at once: one charge, one job, one submission, a hundred equal answers", async () => {
    const request = await prepareGeneration(world);
    const before = simulatorOf(world).submissions;
    const answers = await atOnce(100, () => request.send());

    const [first] = answers;
    assert.deepEqual(first?.body, {
      job_id: first?.body.job_id,
      status: "pending",
      credits_used: PRICE,
      credits_remaining: 95,
    });
    for (const answer of answers) assert.deepEqual([answer.status, answer.body], [200, first.body]);
    const replays = answers.filter(({ headers }) => headers.get("x-idempotent-replay") === "true");
    assert.equal(replays.length, 99);
    assert.deepEqual([simulatorOf(world).submissions - before, request.runs().length], [1, 1]);
    const [jobs] = await world.sql`select count(*)::integer as n from video_jobs where user_id = ${request.user.id}`;
    const charges = await world.sql`
      select change from quota_log where user_id = ${request.user.id} and job_id is not null`;
    assert.deepEqual([jobs?.n, charges.map(({ change }) => change)], [1, [-PRICE]]);
    assert.equal(await world.balance(request.user), 95);
    await world.audit();
  });

  Deno.test("fifty requests with fifty keys at once and credits for ten: ten jobs, forty refusals, and no credits left", async () => {
    const user = await world.newUser(10 * PRICE);
    const before = simulatorOf(world).submissions;
    const answers = await atOnce(50, () => world.generate(user));
    const [accepted, refused] = [withStatus(answers, 200), withStatus(answers, 402)];
    const others = answers.filter((answer) => answer.status !== 200 && answer.status !== 402);
    assert.deepEqual(others.map(({ status, body }) => ({ status, body })), []);
    assert.deepEqual([accepted.length, refused.length], [10, 40]);
    for (const { body } of refused) {
      const { error, code, required_credits, current_credits } = body;
      assert.deepEqual([error, code, required_credits], ["Insufficient credits", "insufficient_credits", PRICE]);
      assert.ok(Number(current_credits) < PRICE, `refused with ${current_credits} credits`);
    }
    assert.equal(new Set(accepted.map(({ body }) => body.job_id)).size, 10);
    const left = accepted.map(({ body }) => Number(body.credits_remaining)).toSorted((a, b) => a - b);
    assert.deepEqual(left, [0, 5, 10, 15, 20, 25, 30, 35, 40, 45]);
    assert.equal(await world.balance(user), 0);
    assert.equal(simulatorOf(world).submissions - before, 10);
    await world.audit();
  });

  Deno.test("two users with the same key at once get a job each", async () => {
    const [one, other] = await Promise.all([world.newUser(), world.newUser()]);
    const key = crypto.randomUUID();
    const answers = await atOnce(20, (index) => world.generate(index % 2 === 0 ? one : other, { key }));
    assert.equal(withStatus(answers, 200).length, 20);
    const jobs = answers.map(({ body }) => String(body.job_id));
    assert.equal(new Set(jobs).size, 2);
    jobs.forEach((job, index) => assert.equal(job, jobs[index % 2]));
    assert.deepEqual([await world.balance(one), await world.balance(other)], [95, 95]);
    await world.audit();
  });

  Deno.test("one key with ten different requests at once: one is accepted, nine are refused because the key is used", async () => {
    const user = await world.newUser();
    const key = crypto.randomUUID();
    const answers = await atOnce(
      10,
      (index) => world.generate(user, { key, body: { model_id: KLING, prompt: `Lighthouse ${index}` } }),
    );
    assert.deepEqual([withStatus(answers, 200).length, withStatus(answers, 422).length], [1, 9]);
    for (const { body } of withStatus(answers, 422)) assert.equal(body.code, "idempotency_key_reused");
    assert.equal(await world.balance(user), 95);
    await world.audit();
  });

  Deno.test("twenty polls of a due job at once: the provider is checked exactly once, and there are twenty answers", async () => {
    const { user, jobId, runs } = await startGeneration(world, { fal: "run=1h" });
    await world.travel(20);
    const answers = await atOnce(20, () => world.status(user, jobId));
    for (const { status, body } of answers) assert.deepEqual([status, body.status], [200, "processing"]);
    assert.equal(runs()[0]?.calls.status, 1);
  });

  Deno.test("twenty polls at once of a job whose run failed: one refund", async () => {
    const generation = await startGeneration(world, { fal: "content_policy" });
    await world.travel(20);
    const answers = await atOnce(20, () => world.status(generation.user, generation.jobId));
    assert.equal(withStatus(answers, 200).length, 20);
    assert.equal((await generation.poll()).body.status, "failed");
    assert.deepEqual(await generation.ledger(), [-PRICE, PRICE]);
    assert.equal(await world.balance(generation.user), 100);
    await world.audit();
  });
}
