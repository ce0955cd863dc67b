import assert from "node:assert/strict";
import { z } from "zod";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { projectPath } from "../../local/machine/project.ts";
import { type PublicInternet, startPublicInternet } from "../support/public-internet.ts";
import { type TestUser, useWorld } from "../support/harness.ts";

const world = useWorld();
const MP4 = await Deno.readFile(projectPath("local/simulators/shared/sample.mp4"));

let internet: PublicInternet | undefined;
Deno.test.beforeAll(async () => {
  internet = await startPublicInternet(MP4, "video/mp4");
  await world.functions.restart(internet.environment);
});
Deno.test.afterAll(() => internet?.stop());

const countsSchema = z.object({ imported: z.number(), already: z.number(), left: z.number(), expired: z.number() });
const resultSchema = z.object({
  written: z.object({ users: countsSchema, credits: countsSchema, videos: countsSchema }).nullable(),
  accepted: z.object({ users: z.number(), credits: z.number(), videos: z.number() }),
  refused_users: z.number(),
  wrong_lines: z.array(z.object({ line: z.number(), problem: z.string() })),
});

/** Runs the command as a user does, on a file of these lines. */
async function runImport(lines: readonly unknown[], source: string, args: string[] = []) {
  const file = await Deno.makeTempFile({ suffix: ".ndjson" });
  await Deno.writeTextFile(
    file,
    lines.map((line) => typeof line === "string" ? line : JSON.stringify(line)).join("\n"),
  );
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      ...DENO_FLAGS,
      projectPath("local/commands/import.ts"),
      file,
      "--source",
      source,
      "--url",
      world.url,
      "--secret-key",
      world.secretKey,
      ...args,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(file);
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

async function importJson(lines: readonly unknown[], source: string, args: string[] = []) {
  const { code, stdout, stderr } = await runImport(lines, source, ["--json", ...args]);
  assert.notEqual(stdout, "", stderr);
  return { code, ...resultSchema.parse(JSON.parse(stdout)) };
}

function video(id: string | number, user: string, fields: Record<string, unknown> = {}) {
  return {
    type: "video",
    id,
    user,
    prompt: `An old film ${id}`,
    status: "completed",
    video_url: `https://files.example.com/${id}.mp4`,
    credits_used: 4,
    created_at: "2024-01-15T10:30:00Z",
    completed_at: "2024-01-15T10:32:00Z",
    ...fields,
  };
}

function linesOf(user: TestUser, amount: number) {
  return [{ type: "user", id: user.id, email: user.email }, { type: "credits", user: user.id, amount }];
}

/** All that an import may write. */
async function books(): Promise<unknown> {
  return await world.sql`
    select (select jsonb_agg(quota_log order by id) from quota_log) as ledger,
      (select jsonb_agg(credit_balances order by user_id) from credit_balances) as balances,
      (select jsonb_agg(video_jobs order by job_id) from video_jobs) as jobs,
      (select jsonb_agg(job_queue order by job_id) from private.job_queue) as queue,
      (select count(*) from auth.users) as users`;
}

Deno.test("importing 2,000 videos of 50 users twice gives the same books as once", async () => {
  const lines = Array.from({ length: 50 }, (_, number) => [
    { type: "user", id: number, email: `old-${number}@example.com` },
    { type: "credits", user: number, amount: number },
    ...Array.from({ length: 40 }, (_, at) => video(`${number}-${at}`, String(number))),
  ]).flat();
  const first = await importJson(lines, "many");
  assert.deepEqual([first.code, first.written?.users.imported, first.written?.credits.imported], [0, 50, 49]);
  assert.equal(first.written?.videos.imported, 2000);
  const once = await books();
  const again = await importJson(lines, "many");
  assert.deepEqual(await books(), once);
  assert.deepEqual([again.written?.users.already, again.written?.videos.already], [50, 2000]);
  const [sums] = await world.sql`
    select count(*) as entries, sum(change) as credits from quota_log
    join private.imported_users using (user_id) where reason = 'imported_balance' and source = 'many'`;
  assert.deepEqual({ ...sums }, { entries: 49, credits: 49 * 50 / 2 });
  assert.equal(
    (await world.sql`
    select from credit_balances join private.imported_users using (user_id)
    where source = 'many' and credits_remaining::text <> source_id`).length,
    0,
  );
  await world.audit();
});

Deno.test("an imported video is listed and read by its owner alone, and its file is copied by the worker", async () => {
  const [owner, stranger] = [await world.newUser(20), await world.newUser(20)];
  const job_id = crypto.randomUUID();
  const lines = [...linesOf(owner, 7), video("listed", owner.id, { job_id, settings: { duration: 4 } })];
  assert.equal((await importJson(lines, "app")).code, 0);
  assert.equal(await world.balance(owner), 27);

  const read = await world.status(owner, job_id);
  assert.deepEqual(
    [read.body.status, read.body.video_url, read.body.created_at, read.body.credits_used, read.body.prompt],
    ["completed", "https://files.example.com/listed.mp4", "2024-01-15T10:30:00Z", 4, "An old film listed"],
  );
  const list = await world.call("videos", { method: "GET", user: owner });
  assert.deepEqual(z.array(z.object({ job_id: z.string() })).parse(list.body.videos).map((job) => job.job_id), [
    job_id,
  ]);
  assert.equal((await world.status(stranger, job_id)).status, 404);

  await world.sql`update private.job_queue set next_check_at = private.clock() where job_id = ${job_id}`;
  assert.equal((await world.tick()).status, 200);
  const copied = await world.status(owner, job_id);
  assert.match(String(copied.body.video_url), /\/storage\/v1\/object\/sign\//);
  const file = await fetch(String(copied.body.video_url));
  assert.equal((await file.bytes()).length, MP4.length);
  assert.ok(internet?.fetched.includes("https://files.example.com/listed.mp4"));
  await world.audit();
});

Deno.test("a file in a private network is not fetched, and its video stays where it is", async () => {
  const owner = await world.newUser(0);
  const job_id = crypto.randomUUID();
  const video_url = "https://10.0.0.7/film.mp4";
  await importJson([...linesOf(owner, 1), video("private", owner.id, { job_id, video_url })], "app");
  await world.sql`update private.job_queue set next_check_at = private.clock() where job_id = ${job_id}`;
  await world.tick();
  const [queued] = await world.sql`select next_check_at from private.job_queue where job_id = ${job_id}`;
  assert.equal(queued?.next_check_at, null);
  assert.equal((await world.status(owner, job_id)).body.video_url, video_url);
});

Deno.test("with --leave-files no file is copied", async () => {
  const owner = await world.newUser(0);
  await importJson([...linesOf(owner, 1), video("left", owner.id)], "app", ["--leave-files"]);
  const rows = await world.sql`
    select next_check_at from private.job_queue join video_jobs using (job_id) where user_id = ${owner.id}`;
  assert.deepEqual(rows.map((row) => row.next_check_at), [null]);
});

Deno.test("a wrong line is named by its number, and of its user nothing is written", async () => {
  const [right, wrong, unknownModel] = [await world.newUser(0), await world.newUser(0), await world.newUser(0)];
  const { code, written, wrong_lines, refused_users } = await importJson([
    ...linesOf(right, 5),
    video("right", right.id),
    ...linesOf(wrong, 5),
    video("fine", wrong.id),
    video("running", wrong.id, { status: "processing" }),
    ...linesOf(unknownModel, 5),
    video("model", unknownModel.id, { model_id: crypto.randomUUID() }),
  ], "wrong");
  assert.deepEqual([code, refused_users, wrong_lines.map(({ line }) => line)], [1, 2, [7, 10]]);
  assert.match(wrong_lines[0]?.problem ?? "", /^status: /);
  assert.equal(wrong_lines[1]?.problem, "model_id: there is no such model");
  assert.deepEqual([written?.users.imported, written?.credits.imported, written?.videos.imported], [1, 1, 1]);
  for (const user of [wrong, unknownModel]) {
    assert.equal(await world.balance(user), 0);
    assert.equal((await world.sql`select from video_jobs where user_id = ${user.id}`).length, 0);
    assert.equal((await world.sql`select from private.imported_users where user_id = ${user.id}`).length, 0);
  }
});

for (
  const [what, line, problem] of [
    ["a line that is not JSON", "{", "is not JSON"],
    ["a line without a user", { type: "video", id: 1 }, "user"],
  ] as const
) {
  Deno.test(`${what} may be anybody's: nothing is written`, async () => {
    const user = await world.newUser(0);
    const before = await books();
    const { code, written, wrong_lines } = await importJson([...linesOf(user, 5), line], "stray");
    assert.deepEqual([code, written, wrong_lines.length], [1, null, 1]);
    assert.match(wrong_lines[0]?.problem ?? "", new RegExp(problem));
    assert.deepEqual(await books(), before);
  });
}

Deno.test("a dry run checks everything and writes nothing", async () => {
  const user = await world.newUser(0);
  const before = await books();
  const { code, stdout } = await runImport([...linesOf(user, 5), video("dry", user.id)], "dry", ["--dry-run"]);
  assert.deepEqual([code, stdout], [0, "Not written: 1 users, 1 balances, 1 videos are in order.\n"]);
  assert.deepEqual(await books(), before);
});

Deno.test("an import that fails on its way is continued by the same command", async () => {
  const user = await world.newUser(0);
  const lines = [...linesOf(user, 5), video("resumed", user.id)];
  world.gateway.fail("/rest/v1/rpc/import_videos", 503, 1);
  const failed = await runImport(lines, "resumed");
  world.gateway.clearFaults();
  assert.deepEqual([failed.code, /import_videos answered 503/.test(failed.stderr)], [1, true], failed.stderr);
  const { written } = await importJson(lines, "resumed");
  assert.deepEqual([written?.credits.already, written?.videos.imported], [1, 1]);
  assert.equal(await world.balance(user), 5);
});

Deno.test("an imported user who deletes their account leaves nothing, and does not come back", async () => {
  const user = await world.newUser(0);
  const lines = [...linesOf(user, 5), video("leaving", user.id)];
  await importJson(lines, "leaving");
  assert.equal((await world.call("account", { method: "DELETE", user })).status, 200);
  const { written } = await importJson(lines, "leaving");
  assert.deepEqual([written?.users.left, written?.credits.left, written?.videos.left], [1, 1, 1]);
  assert.equal((await world.sql`select from video_jobs where imported_from = 'leaving'`).length, 0);
  assert.equal((await world.sql`select from auth.users where email = ${user.email}`).length, 0);
  await world.audit();
});

Deno.test("nobody but the service role imports anything", async () => {
  const user = await world.newUser(0);
  for (
    const [procedure, parameter] of [
      ["import_users", "p_users"],
      ["import_credits", "p_credits"],
      ["import_videos", "p_videos"],
      ["import_problems", "p_lines"],
    ] as const
  ) {
    for (const token of [user.token, world.publishableKey]) {
      const response = await fetch(`${world.url}/rest/v1/rpc/${procedure}`, {
        method: "POST",
        headers: {
          apikey: world.publishableKey,
          "content-type": "application/json",
          ...(token === user.token ? { authorization: `Bearer ${token}` } : {}),
        },
        body: JSON.stringify({ p_source: "x", [parameter]: [] }),
      });
      await response.body?.cancel();
      assert.ok([401, 403].includes(response.status), `${procedure}: ${response.status}`);
    }
  }
  const created = await fetch(`${world.url}/auth/v1/admin/users`, {
    method: "POST",
    headers: { apikey: world.publishableKey, "content-type": "application/json" },
    body: JSON.stringify({ email: "nobody@example.com" }),
  });
  await created.body?.cancel();
  assert.equal(created.status, 401);
});
