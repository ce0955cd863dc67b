// Users of other identity providers and what is theirs: docs/identity.md.
import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { z } from "zod";
import { INSTANT } from "../support/generation.ts";
import { type Answer, type TestUser, until, useWorld } from "../support/harness.ts";
import { callDataApi, newIdentity, newSubject, readAccount } from "../support/identities.ts";
import { startIssuer } from "../support/issuer.ts";
import { assertRefusal, GOOD_BODY, GOOD_PRICE } from "../support/refusal.ts";

const issuer = await startIssuer();
const stranger = await startIssuer();
const world = useWorld({
  falSimulator: INSTANT,
  functionsEnvironment: { THIRD_PARTY_ISSUERS: `https://id.example, ${issuer.url}` },
});
Deno.test.afterAll(async () => {
  await issuer.stop();
  await stranger.stop();
});

async function readJobs(token: string): Promise<unknown[]> {
  const { status, body } = await callDataApi(world, token, "video_jobs?select=job_id");
  assert.equal(status, 200, JSON.stringify(body));
  return z.array(z.object({ job_id: z.string() })).parse(body).map(({ job_id }) => job_id);
}

Deno.test("an identity gets a user at first sight, and the same one for ever", async () => {
  const subject = newSubject();
  const [first, second, other] = [
    await readAccount(world, await issuer.token(subject)),
    await readAccount(world, await issuer.token(subject, { sid: "another session" }, { algorithm: "ES256" })),
    await readAccount(world, await issuer.token(newSubject())),
  ];
  assert.deepEqual(first?.body, { user_id: second?.body.user_id, credits_remaining: 0 });
  assert.notEqual(first?.body.user_id, other?.body.user_id);
  await world.functions.restart();
  assert.equal((await readAccount(world, await issuer.token(subject))).body.user_id, first?.body.user_id);
});

Deno.test("a hundred first requests at once make one user, who is welcomed once", async () => {
  // The local REST reads the whole schema in its first calls, each of them anew.
  await newIdentity(world, issuer);
  const subject = newSubject();
  const claims = { email: `${subject}@example.com`, email_verified: true };
  const token = await issuer.token(subject, claims);
  const before = await world.sql`select from auth.users`;
  const answers = await Promise.all(Array.from({ length: 100 }, () => readAccount(world, token)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  const [id, ...others] = new Set(answers.map(({ body }) => String(body.user_id)));
  assert.deepEqual(others, []);
  assert.equal((await world.sql`select from auth.users`).length, before.length + 1);
  assert.deepEqual(
    (await world.sql`select change from quota_log where user_id = ${id ?? ""}`).map((row) => row.change),
    [
      20,
    ],
  );
  await world.audit();
});

Deno.test("a user of another provider generates, follows, lists and deletes a video, by functions and the Data API", async () => {
  const user = await newIdentity(world, issuer, 20);
  const key = crypto.randomUUID();
  const started = await world.generate(user, { body: GOOD_BODY, key });
  assert.equal(started.status, 200);
  assert.deepEqual((await world.generate(user, { body: GOOD_BODY, key })).body, started.body);
  const jobId = String(started.body.job_id);
  let job: Answer | undefined;
  await until("the video is made", async () => {
    await world.travel(20);
    job = await world.status(user, jobId);
    return job.body.status === "completed";
  });
  assert.equal((await fetch(String(job?.body.video_url))).status, 200);
  const listed = await world.call("videos", { method: "GET", user });
  assert.deepEqual(z.array(z.object({ job_id: z.string() })).parse(listed.body.videos).map((video) => video.job_id), [
    jobId,
  ]);
  assert.deepEqual(await readJobs(user.token), [jobId]);
  assert.deepEqual((await callDataApi(world, user.token, "credit_balances?select=user_id,credits_remaining")).body, [
    { user_id: user.id, credits_remaining: 20 - GOOD_PRICE },
  ]);
  const limits = await callDataApi(world, user.token, "rpc/my_limits", { method: "POST", body: "{}" });
  assert.deepEqual(JSON.parse(JSON.stringify(limits.body)).generations_last_hour.used, 1);
  const upload = await world.call("uploads", { user, body: { content_type: "image/png" } });
  assert.match(String(upload.body.image_path), new RegExp(`^${user.id}/`));
  const deleted = await world.call("videos", { method: "DELETE", user, body: { job_ids: [jobId] } });
  assert.deepEqual(deleted.body.deleted, [jobId]);
  assert.deepEqual(await readJobs(user.token), []);
  await world.audit();
});

Deno.test("two users of another provider see nothing of each other, and nothing of a user of Supabase Auth", async () => {
  const users = [await newIdentity(world, issuer), await newIdentity(world, issuer), await world.newUser()];
  const jobs: string[] = [];
  for (const user of users) jobs.push(String((await world.generate(user)).body.job_id));
  for (const [index, user] of users.entries()) {
    assert.deepEqual(await readJobs(user.token), [jobs[index]]);
    const balances = z.array(z.object({ user_id: z.string() })).parse(
      (await callDataApi(world, user.token, "credit_balances")).body,
    );
    assert.deepEqual(balances.map((balance) => balance.user_id), [user.id]);
    for (const [other, jobId] of jobs.entries()) {
      assert.equal((await world.status(user, jobId)).status, other === index ? 200 : 404);
    }
  }
});

Deno.test("a subject that is a user's UUID is another user, by functions, Data API, Storage and Realtime", async () => {
  const victim = await world.newUser(50);
  const { body: { job_id: jobId } } = await world.generate(victim);
  const token = await issuer.token(victim.id);
  const impostor = { ...victim, token };
  // Before the first request to a function and after it.
  for (let times = 0; times < 2; times++) {
    for (const table of ["video_jobs", "credit_balances", "quota_log"]) {
      assert.deepEqual(
        (await callDataApi(world, token, `${table}?select=user_id&user_id=eq.${victim.id}`)).body,
        [],
        table,
      );
    }
    const file = `${world.url}/storage/v1/object/sign/videos/${victim.id}/${jobId}.mp4`;
    const signed = await fetch(file, {
      method: "POST",
      headers: { apikey: world.publishableKey, Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: '{"expiresIn": 60}',
    });
    assert.match(await signed.text(), /not.found/i);
    assert.equal((await world.status(impostor, jobId)).status, 404);
    const { body } = await readAccount(world, token);
    assert.notEqual(body.user_id, victim.id);
    assert.equal(body.credits_remaining, 0);
  }
  assertRefusal(await world.generate(impostor, { body: GOOD_BODY }), { status: 402, code: "insufficient_credits" });
  assert.equal((await world.call("account", { method: "DELETE", user: impostor })).status, 200);
  assert.equal((await world.status(victim, jobId)).status, 200);
  assert.equal(await listens(token, victim.id), false);
});

/** Whether Realtime lets the token's user listen to the changes of a user's jobs. */

async function listens(token: string, userId: string): Promise<boolean> {
  const client = createClient(world.url, world.publishableKey, { auth: { persistSession: false } });
  try {
    await client.realtime.setAuth(token);
    return await new Promise((resolve) =>
      client.channel(`jobs:${userId}`, { config: { private: true } }).subscribe((state) =>
        resolve(state === "SUBSCRIBED")
      )
    );
  } finally {
    await client.removeAllChannels();
    await client.realtime.disconnect();
  }
}

Deno.test(
  "a user of another provider listens to their own jobs",
  { sanitizeOps: false, sanitizeResources: false },
  async () => {
    const [user, other] = [await newIdentity(world, issuer), await newIdentity(world, issuer)];
    assert.equal(await listens(user.token, user.id), true);
    assert.equal(await listens(user.token, other.id), false);
    assert.equal(await listens(await stranger.token(user.subject), user.id), false);
  },
);

Deno.test("a request of another provider's user makes one more database call, and one of Supabase Auth none", async () => {
  const [user, other] = [await newIdentity(world, issuer), await world.newUser()];
  const callsOf = async (who: TestUser) => {
    await world.functions.rest();
    world.gateway.clearCalls();
    assert.equal((await world.call("videos", { method: "GET", user: who })).status, 200);
    return world.gateway.calls.map(({ path }) => path).filter((path) => path.startsWith("/rest/v1/"));
  };
  const usual = await callsOf(other);
  assert.deepEqual(await callsOf(user), ["/rest/v1/rpc/identify_user", ...usual]);
});

Deno.test("welcome credits go to an address that the token proves, once", async () => {
  const email = `ann-${crypto.randomUUID()}@example.com`;
  const creditsOf = async (subject: string, claims: Record<string, unknown>) =>
    (await readAccount(world, await issuer.token(subject, claims))).body.credits_remaining;
  const [first, second] = [newSubject(), newSubject()];
  assert.equal(await creditsOf(first, { email }), 0);
  assert.equal(await creditsOf(first, { email, email_verified: false }), 0);
  assert.equal(await creditsOf(first, { email, email_verified: true }), 20);
  assert.equal(await creditsOf(first, { email, email_verified: true }), 20);
  assert.equal(await creditsOf(first, { email: `other-${email}`, email_verified: true }), 20);
  assert.equal(await creditsOf(second, { email, email_verified: true }), 0);
  await world.audit();
});

Deno.test("an identity whose account was deleted is as if never seen, but is not welcomed again", async () => {
  const subject = newSubject();
  const claims = { email: `${subject}@example.com`, email_verified: true };
  const token = await issuer.token(subject, claims);
  const before = (await readAccount(world, token)).body;
  const user = { id: String(before.user_id), email: "", token };
  const { body: { job_id: jobId } } = await world.generate(user);
  assert.deepEqual((await world.call("account", { method: "DELETE", user })).body, { deleted: true });
  for (const table of ["video_jobs", "credit_balances", "quota_log"]) {
    assert.equal((await world.sql`select from ${world.sql(table)} where user_id = ${user.id}`).length, 0, table);
  }
  assert.equal((await world.sql`select from auth.users where id = ${user.id}`).length, 0);
  assert.equal((await world.sql`select from private.external_identities where subject = ${subject}`).length, 0);
  assert.deepEqual((await callDataApi(world, token, "credit_balances")).body, []);
  const after = await readAccount(world, token);
  assert.notEqual(after.body.user_id, before.user_id);
  assert.equal(after.body.credits_remaining, 0);
  assert.equal((await world.status(user, jobId)).status, 404);
  const elsewhere = await issuer.token(subject, { ...claims, email: `other-${subject}@example.com` });
  assert.equal((await readAccount(world, elsewhere)).body.credits_remaining, 0);
  await world.audit();
});

Deno.test("an identity that leaves and comes back at once, each time with another address, is welcomed once", async () => {
  await newIdentity(world, issuer);
  const subject = newSubject();
  const welcomes = async () => (await world.sql`select from quota_log where reason = 'welcome_credits'`).length;
  const before = await welcomes();
  const answers = await Promise.all(Array.from({ length: 24 }, async (_, index) => {
    const token = await issuer.token(subject, { email: `${index}-${subject}@example.com`, email_verified: true });
    const method = index % 3 === 2 ? "DELETE" : "GET";
    return await world.call("account", { method, headers: { Authorization: `Bearer ${token}` } });
  }));
  // A request that meets the deletion has no account.
  for (const { status } of answers) assert.ok(status === 200 || status === 401, String(status));
  assert.equal(await welcomes(), before + 1);
  await world.audit();
});
