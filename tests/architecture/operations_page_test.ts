import assert from "node:assert/strict";
import { projectPath } from "../../local/machine/project.ts";
import { ENDLESS, finishRun, type Generation, startGeneration } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: ENDLESS });
const page = await Deno.readTextFile(projectPath("docs/operations.md"));

/** The statements of a section that every database can run. */
function statementsOf(heading: string): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading)) ?? "";
  const blocks = [...section.matchAll(/^ *```sql\n(.*?)^ *```$/gms)].map(([, block = ""]) => block);
  return blocks.filter((block) => !block.includes("-- Hosted projects"));
}

/** Runs a section's statements about this job; what each block answered, its statements' rows together. */
async function run(heading: string, { jobId, user }: Generation): Promise<Record<string, unknown>[][]> {
  const blocks = statementsOf(heading);
  assert.ok(blocks.length > 0, heading);
  const answers: Record<string, unknown>[][] = [];
  for (const block of blocks) {
    const rows = await world.sql.unsafe(block.replaceAll("<job id>", jobId).replaceAll("<user id>", user.id)).simple();
    answers.push([...rows].flat());
  }
  return answers;
}

async function deliver(): Promise<Generation> {
  const generation = await startGeneration(world, { user: await world.newUser(20) });
  finishRun(world, generation);
  assert.equal((await generation.outcome()).body.status, "completed");
  return generation;
}

Deno.test("every statement of the page that needs no hosted project runs on the local stack", async () => {
  const headings = page.split(/^## /m).slice(1).map((section) => section.split("\n")[0] ?? "");
  const withStatements = headings.filter((heading) => statementsOf(heading).length > 0);
  assert.ok(withStatements.length >= 4, withStatements.join());
  const generation = await startGeneration(world);
  for (const heading of withStatements) await run(heading, generation);
  await world.audit();
});

Deno.test("a job that is ended by hand is refunded once, however often it is ended", async () => {
  const generation = await startGeneration(world, { user: await world.newUser(20) });
  const [ended] = await run("Ending a job by hand", generation);
  assert.equal(JSON.parse(JSON.stringify(ended?.[0]?.fail_job)).applied, true);
  const [again] = await run("Ending a job by hand", generation);
  assert.equal(JSON.parse(JSON.stringify(again?.[0]?.fail_job)).applied, false);
  assert.equal(await world.balance(generation.user), 20);
  const { body } = await generation.poll();
  assert.deepEqual([body.status, body.error_code, body.credits_refunded], ["failed", "cancelled", 5]);
  await world.audit();
});

Deno.test("a refund by hand is made once, and the books balance with it", async () => {
  const generation = await deliver();
  const [refund = ""] = statementsOf("Refunding by hand");
  for (let times = 0; times < 2; times++) {
    await world.sql.unsafe(refund.replaceAll("<job id>", generation.jobId).replaceAll("<user id>", generation.user.id));
  }
  assert.equal(await world.balance(generation.user), 15 + 8);
  assert.equal((await generation.poll()).body.status, "completed");
  await world.audit();
});

Deno.test("a refund by hand in a job's own name is reported by the audit, as the page says", async () => {
  const { jobId, user } = await deliver();
  await assert.rejects(
    world.sql.begin(async (transaction) => {
      await transaction`select add_credits(${user.id}, 5, 'support', ${jobId})`;
      const problems = await transaction`select problem from audit_credits()`;
      assert.deepEqual(problems.map(({ problem }) => problem), ["job_refunded_without_failing"]);
      throw new Error("taken back");
    }),
    /taken back/,
  );
});

Deno.test("while a restore goes on no model is offered, and afterwards those that were", async () => {
  const offered = async () =>
    (await world.sql`select id from models where is_available order by id`).map(({ id }) => id);
  const before = await offered();
  const [stop = "", , start = ""] = statementsOf("Backup and restore");
  await world.sql.unsafe(stop);
  assert.deepEqual(await offered(), []);
  assert.equal((await world.generate(await world.newUser())).body.code, "model_not_found");
  await world.sql.unsafe(start);
  assert.deepEqual(await offered(), before);
});
