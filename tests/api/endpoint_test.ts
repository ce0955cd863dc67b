// What every endpoint refuses first: unknown paths, two tokens at once, repeated parameters.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { INSTANT } from "../support/generation.ts";
import { type TestUser, useWorld } from "../support/harness.ts";
import { assertRefusal, GOOD_BODY } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";
import { PLAIN } from "../support/transition.ts";

const world = useWorld({ falSimulator: INSTANT });

const NOT_FOUND = { status: 404, code: "not_found", error: "There is nothing at this path: check its spelling" };
const ID = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0001";

const NOWHERE: [method: string, path: string, body?: unknown][] = [
  ["POST", "generate-video/foo", GOOD_BODY],
  ["POST", "generate-video/foo/bar/", GOOD_BODY],
  ["POST", "generate-video//foo", GOOD_BODY],
  ["POST", "generate-video/%00", GOOD_BODY],
  ["GET", `get-video-status/${ID}`],
  ["GET", `videos/${ID}`],
  ["POST", `videos/${ID}/refund`],
  ["POST", `videos/${ID}/cancel/now`],
  ["DELETE", `videos/${ID}`],
  ["POST", `videos/${ID}/share/now`],
  ["GET", "share"],
  ["GET", `share/${ID}`],
  ["POST", "transitions/create", PLAIN],
  ["POST", "transitions/create-and-generate/more/", PLAIN],
  ["POST", "transitions/batch-create-and-generate/more/", { transitions: [PLAIN] }],
  ["GET", "transitions/task-status/"],
  ["GET", `transitions/task-status/${ID}/more/`],
  ["GET", "transitions/"],
  ["POST", "uploads/images", { content_type: "image/png" }],
  ["DELETE", "account/now"],
  ["GET", "health/deep"],
  ["POST", "advance-jobs/all"],
  ["POST", "provider-webhook"],
  ["POST", "provider-webhook/fal/more"],
];

for (const [method, path, body] of NOWHERE) {
  Deno.test(`${method} ${path} is 404 and changes nothing`, async () => {
    const user = await world.newUser(20);
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    const options = { method, user, headers, ...(body === undefined ? {} : { body }) };
    assertRefusal(await assertChangesNothing(world, () => world.call(path, options)), NOT_FOUND);
  });
}

Deno.test("a slash at the end of a path changes nothing", async () => {
  const user = await world.newUser(20);
  const headers = { "Idempotency-Key": crypto.randomUUID() };
  const first = await world.call("generate-video/", { user, headers, body: GOOD_BODY });
  assert.equal(first.status, 200);
  const status = await world.call(`get-video-status/?job_id=${first.body.job_id}`, { method: "GET", user });
  assert.equal(status.status, 200);
});

/** The status of a request with these header lines. The gateway, which drops a repeated header, is passed by. */
async function statusOf(lines: string[]): Promise<string> {
  const socket = connect({ port: world.functions.port ?? 0, host: "127.0.0.1" });
  socket.write(["GET /videos HTTP/1.1", "Host: functions", "Connection: close", ...lines, "", ""].join("\r\n"));
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text.split("\r\n", 1)[0] ?? "";
}

Deno.test("two Authorization headers are 401, whichever of them is good", async () => {
  const [user, other] = await Promise.all([world.newUser(), world.newUser()]);
  const line = (who: TestUser) => `Authorization: Bearer ${who.token}`;
  assert.match(await statusOf([line(user)]), /200/);
  for (const lines of [[line(user), line(user)], [line(user), line(other)], [line(user), "Authorization:"]]) {
    assert.match(await statusOf(lines), /401/, lines.join());
  }
  for (
    const joined of [`Bearer ${user.token},`, `Bearer ${user.token}, Bearer ${other.token}`, `,Bearer ${user.token}`]
  ) {
    const answer = await world.call("videos", { method: "GET", headers: { Authorization: joined } });
    assertRefusal(answer, { status: 401, code: "unauthorized" });
  }
});

Deno.test("a query parameter that comes twice is 400, by its name", async () => {
  const user = await world.newUser();
  const { body: { job_id: mine } } = await world.generate(user);
  const cases: [path: string, names: string[]][] = [
    [`get-video-status?job_id=${mine}&job_id=${ID}`, ["job_id"]],
    [`get-video-status?job_id=${mine}&job_id=${mine}`, ["job_id"]],
    [`videos?limit=1&status=failed&limit=2&status=failed`, ["limit", "status"]],
    [`videos?node%5Fid=a&node_id=b`, ["node_id"]],
  ];
  for (const [path, names] of cases) {
    const answer = await world.call(path, { method: "GET", user });
    const issues = names.map((name) => ({ path: name, message: "must not be repeated" }));
    assertRefusal(answer, { status: 400, code: "validation_failed", fields: { issues } });
  }
});

Deno.test("an answer larger than its request: a body of many mistakes gets a hundred of them in its answer", async () => {
  const user = await world.newUser();
  const body = Object.fromEntries(Array.from({ length: 3000 }, (_, index) => [`field${index}`, 1]));
  const { status, body: answer } = await world.generate(user, { body });
  assert.deepEqual([status, answer.code], [400, "validation_failed"]);
  assert.equal(Array.isArray(answer.issues) && answer.issues.length, 100);
});
