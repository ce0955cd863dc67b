import assert from "node:assert/strict";
import { withSimulator } from "./test_support.ts";

const base = (id: string) => `/fal-ai/veo3.1/requests/${id}`;

Deno.test("a submit is refused without a key, for a locked account, an unknown app and a full queue", () =>
  withSimulator(async ({ simulator, call, submit }) => {
    const post = (path: string, headers = {}) =>
      call(path, { method: "POST", headers, body: JSON.stringify({ prompt: "a fox" }) });
    assert.equal((await post("/fal-ai/veo3.1", { authorization: "Bearer x" })).status, 401);
    assert.equal((await post("/fal-ai/veo4")).status, 404);
    simulator.configure({ locked: true });
    const locked = await post("/fal-ai/veo3.1");
    assert.equal(locked.status, 403);
    assert.match(String(locked.body.detail), /User is locked/);
    simulator.configure({ locked: false });
    await submit("one");
    await submit("two");
    assert.equal((await post("/fal-ai/veo3.1/fast?fal_max_queue_length=1")).status, 429);
    assert.equal((await post("/fal-ai/veo3.1/fast", { "x-fal-request-timeout": "soon" })).status, 400);
    assert.equal(simulator.requests.length, 2);
    assert.equal(simulator.submissions, 7);
  }));

Deno.test("an input that the model would refuse fails on the result, not on the submit", () =>
  withSimulator(async ({ submit, call, pass, simulator }) => {
    const id = await submit("a fox", { endpoint: "fal-ai/kling-video/v2.6/pro/image-to-video" });
    await pass(4000);
    const { status, body } = await call(`/fal-ai/kling-video/requests/${id}`);
    assert.equal(status, 422);
    assert.match(JSON.stringify(body), /start_image_url/);
    const wrongPath = await submit("a fox", { endpoint: "fal-ai/kling-video/v9" });
    await pass(4000);
    assert.equal((await call(`/fal-ai/kling-video/requests/${wrongPath}`)).status, 404);
    simulator.configure({ checkInput: false });
    const unchecked = await submit("a fox", { endpoint: "fal-ai/kling-video/v2.6/pro/image-to-video" });
    await pass(4000);
    assert.equal((await call(`/fal-ai/kling-video/requests/${unchecked}`)).status, 200);
  }));

Deno.test("a connection dropped after accepting leaves a run, one dropped before leaves none", () =>
  withSimulator(async ({ simulator, submit, pass }) => {
    await assert.rejects(submit("a fox [fal: submit_drop_after]"), TypeError);
    assert.equal(simulator.requests.length, 1);
    await assert.rejects(submit("a fox [fal: submit_drop_before]"), TypeError);
    assert.equal(simulator.requests.length, 1);
    assert.equal(simulator.submissions, 2);
    await pass(4000);
    assert.equal(simulator.requests[0]?.resultStatus, 200);
  }));

Deno.test("a connection that is used again is dropped after one submit, where the body is a stream", () =>
  withSimulator(async ({ simulator, submit, call }) => {
    for (let round = 1; round <= 10; round++) {
      await submit("a fox");
      // Deno 2.9 repeats a POST of text or bytes by itself when a used connection closes (denoland/deno#35610).
      const body = new Blob([JSON.stringify({ prompt: "a fox [fal: submit_drop_after]" })]).stream();
      await assert.rejects(call("/fal-ai/veo3.1", { method: "POST", body }), TypeError);
      assert.equal(simulator.submissions, 2 * round);
      assert.equal(simulator.requests.length, 2 * round);
    }
  }));

Deno.test("submit faults answer their codes, as many times as asked, by word, script and switch", () =>
  withSimulator(async ({ simulator, call }) => {
    const post = async (prompt: string) => {
      const init = { method: "POST", body: JSON.stringify({ prompt }) };
      return (await call("/fal-ai/veo3.1", init)).status;
    };
    for (const code of [401, 429, 500, 502, 503, 504]) assert.equal(await post(`[fal: submit_${code}]`), code);
    const prompt = "a fox [fal: submit_503 times=2]";
    assert.deepEqual([await post(prompt), await post(prompt), await post(prompt), await post(prompt)], [
      503,
      503,
      200,
      503,
    ]);
    simulator.script("bear", { submit: "429", times: 1 });
    assert.deepEqual([await post("a bear"), await post("a bear")], [429, 200]);
    simulator.script({ endpoint: "fal-ai/veo3.1" }, { submit: "502" });
    assert.equal(await post("a hare"), 502);
    simulator.clear();
    simulator.configure({ outage: 503 });
    assert.equal(await post("a hare"), 503);
    simulator.configure({ outage: 0, submit: "locked" });
    assert.equal(await post("a hare"), 403);
  }));

Deno.test("a slow answer comes late while the run goes on", () =>
  withSimulator(async ({ simulator, submit, call, pass }) => {
    const slow = submit("a fox [fal: slow=10s]");
    while (simulator.requests.length === 0) await call("/_simulator/requests");
    await pass(9000);
    assert.equal(simulator.requests[0]?.state, "COMPLETED");
    await pass(1000);
    assert.equal(await slow, simulator.requests[0]?.id);
  }));

Deno.test("an answer that is no JSON still leaves a run", () =>
  withSimulator(async ({ simulator, submit }) => {
    await assert.rejects(submit("a fox [fal: submit_bad_json]"), SyntaxError);
    assert.equal(simulator.requests.length, 1);
  }));

Deno.test("the caller's start deadline ends what has not started", () =>
  withSimulator(async ({ submit, call, pass }) => {
    const late = await submit("a fox [fal: stuck]", { headers: { "x-fal-request-timeout": "30" } });
    const early = await submit("a fox [fal: run=60s]", { headers: { "x-fal-request-start-timeout": "30" } });
    await pass(30_000);
    const result = await call(base(late));
    assert.equal(result.status, 504);
    assert.equal(result.headers.get("x-fal-request-timeout-type"), "user");
    assert.equal((await call(`${base(early)}/status`)).body.status, "IN_PROGRESS");
  }));
