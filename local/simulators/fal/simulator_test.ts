import assert from "node:assert/strict";
import { createFalClient } from "@fal-ai/client";
import { startFalSimulator } from "./simulator.ts";
import { withSimulator } from "./test_support.ts";

const base = (id: string) => `/fal-ai/veo3.1/requests/${id}`;

Deno.test("the real fal client submits, watches, reads and cancels", () =>
  withSimulator(async ({ simulator, pass }) => {
    const fal = createFalClient({
      credentials: simulator.key,
      requestMiddleware: (request) =>
        Promise.resolve({ ...request, url: request.url.replace("https://queue.fal.run", simulator.url) }),
    });
    const endpoint = "fal-ai/veo3.1/fast";
    const { request_id: requestId } = await fal.queue.submit(endpoint, { input: { prompt: "a fox" } });
    assert.equal((await fal.queue.status(endpoint, { requestId })).status, "IN_QUEUE");
    await pass(600);
    const running = await fal.queue.status(endpoint, { requestId, logs: true });
    assert.equal(running.status, "IN_PROGRESS");
    assert.ok("logs" in running && running.logs.length > 0);
    await assert.rejects(fal.queue.result(endpoint, { requestId }), { status: 400 });
    await pass(3000);
    assert.equal((await fal.queue.status(endpoint, { requestId })).status, "COMPLETED");
    const result = await fal.queue.result(endpoint, { requestId });
    assert.equal(result.requestId, requestId);
    assert.equal(result.data.video.url, `${simulator.url}/files/${requestId}/output.mp4`);

    const second = await fal.queue.submit(endpoint, { input: { prompt: "[fal: content_policy]" } });
    await pass(4000);
    await assert.rejects(fal.queue.result(endpoint, { requestId: second.request_id }), { status: 422 });
    const third = await fal.queue.submit(endpoint, { input: { prompt: "a fox" } });
    await fal.queue.cancel(endpoint, { requestId: third.request_id });
    assert.equal(simulator.requests[2]?.cancelled, true);
  }));

Deno.test("a status goes from 202 IN_QUEUE over 202 IN_PROGRESS to 200 COMPLETED with a falling position", () =>
  withSimulator(async ({ submit, call, pass }) => {
    const id = await submit("a fox");
    const seen: unknown[] = [];
    for (let check = 0; check < 5; check++) {
      const { status, body, headers } = await call(`${base(id)}/status`);
      assert.ok("logs" in body && "metrics" in body);
      assert.equal(headers.get("x-fal-request-id"), id);
      seen.push([status, body.status, body.queue_position]);
      await pass(check < 3 ? 200 : 3000);
    }
    assert.deepEqual(seen, [
      [202, "IN_QUEUE", 2],
      [202, "IN_QUEUE", 1],
      [202, "IN_QUEUE", 0],
      [202, "IN_PROGRESS", undefined],
      [200, "COMPLETED", undefined],
    ]);
  }));

Deno.test("every form of a request's address is accepted, and a foreign app's is not", () =>
  withSimulator(async ({ submit, call, pass }) => {
    const id = await submit("a fox");
    await pass(4000);
    for (const path of [base(id), `${base(id)}/`, `${base(id)}/response`, `/fal-ai/veo3.1/fast/requests/${id}`]) {
      const { status, headers } = await call(path);
      assert.equal(status, 200, path);
      assert.equal(headers.get("x-fal-billable-units"), "1");
    }
    assert.equal((await call(`${base(id)}/status/`)).status, 200);
    assert.equal((await call(`/fal-ai/wan/requests/${id}`)).status, 404);
    assert.equal((await call(`${base(crypto.randomUUID())}/status`)).status, 404);
  }));

Deno.test("at most so many run at once, and the next starts when one is over", () =>
  withSimulator(async ({ simulator, submit, pass }) => {
    for (const prompt of ["one", "two", "three"]) await submit(prompt);
    const states = () => simulator.requests.map((request) => request.state);
    await pass(1000);
    assert.deepEqual(states(), ["IN_PROGRESS", "IN_PROGRESS", "IN_QUEUE"]);
    await pass(3000);
    assert.deepEqual(states(), ["COMPLETED", "COMPLETED", "IN_PROGRESS"]);
    assert.equal(simulator.requests[2]?.startedAt, simulator.requests[0]?.completedAt);
  }));

Deno.test("every scripted outcome answers its code, body and headers", () =>
  withSimulator(async ({ submit, call, pass }) => {
    const cases = [
      ["validation", 422, "x-fal-needs-retry", "0"],
      ["content_policy", 422, "x-fal-billable-units", "0"],
      ["no_media", 422, "x-fal-billable-units", "0"],
      ["server_error", 500, "x-fal-needs-retry", "1"],
      ["request_timeout", 504, "x-fal-error-type", "request_timeout"],
      ["user_timeout", 504, "x-fal-request-timeout-type", "user"],
      ["expired", 404, "content-type", "application/json"],
      ["no_video", 200, "content-type", "application/json"],
      ["not_a_word", 422, "content-type", "application/json"],
    ] as const;
    for (const [word, status, header, value] of cases) {
      const id = await submit(`a fox [fal: ${word} queue=0 run=10ms]`);
      await pass(20);
      const answer = await call(`${base(id)}/status`);
      const isPlatformError = word === "request_timeout" || word === "user_timeout";
      assert.equal(answer.body.status, "COMPLETED", word);
      assert.equal(answer.body.error_type, isPlatformError ? "request_timeout" : undefined, word);
      const result = await call(base(id));
      assert.equal(result.status, status, word);
      assert.equal(result.headers.get(header), value, word);
    }
  }));

Deno.test("a cancel in the queue, running, ignored, done and unknown", () =>
  withSimulator(async ({ simulator, submit, call, pass }) => {
    const cancel = (id: string) => call(`${base(id)}/cancel`, { method: "PUT" });
    const queued = await submit("a fox");
    assert.deepEqual((await cancel(queued)).body, { status: "CANCELLATION_REQUESTED" });
    const removed = await submit("a fox [fal: cancel_ok]");
    assert.deepEqual((await cancel(removed)).body, { status: "OK" });
    const running = await submit("a fox");
    const stubborn = await submit("a fox [fal: cancel_ignored]");
    await pass(1000);
    assert.equal((await cancel(running)).status, 202);
    assert.equal((await call(base(running))).status, 499);
    assert.equal((await cancel(stubborn)).status, 202);
    await pass(3000);
    assert.equal((await call(base(stubborn))).status, 200);
    assert.deepEqual((await cancel(stubborn)).body, { status: "ALREADY_COMPLETED" });
    assert.equal((await cancel(crypto.randomUUID())).status, 404);
    assert.deepEqual(simulator.requests.map((request) => request.startedAt === null), [true, true, false, false]);
  }));

Deno.test("a lost runner brings a run back to the queue once, under another gateway id", () =>
  withSimulator(async ({ simulator, submit, pass }) => {
    const id = await submit("a fox [fal: runner_lost]");
    const states: string[] = [];
    for (const ms of [600, 1500, 600, 3000]) {
      await pass(ms);
      states.push(simulator.requests[0]?.state ?? "");
    }
    assert.deepEqual(states, ["IN_PROGRESS", "IN_QUEUE", "IN_PROGRESS", "COMPLETED"]);
    assert.notEqual(simulator.requests[0]?.gatewayId, id);
  }));

Deno.test("a status can fail a few times, and a position can rise", () =>
  withSimulator(async ({ submit, call, pass }) => {
    const id = await submit("a fox [fal: status_503=2 result_500 position_up]");
    const codes: number[] = [];
    for (let check = 0; check < 3; check++) codes.push((await call(`${base(id)}/status`)).status);
    assert.deepEqual(codes, [503, 503, 202]);
    const positions = [await call(`${base(id)}/status`), await call(`${base(id)}/status`)];
    assert.deepEqual(positions.map(({ body }) => body.queue_position), [4, 5]);
    await pass(4000);
    assert.deepEqual([(await call(base(id))).status, (await call(base(id))).status], [500, 200]);
  }));

Deno.test("a hanging run ends only by hand", () =>
  withSimulator(async ({ simulator, submit, call, pass }) => {
    const finished = await submit("a fox [fal: hang]");
    const failed = await submit("a fox [fal: hang]");
    await pass(3_600_000);
    assert.equal((await call(`${base(finished)}/status`)).body.status, "IN_PROGRESS");
    simulator.finish(finished);
    simulator.fail(failed, { status: 418, body: { detail: "a teapot" } });
    assert.equal((await call(base(finished))).status, 200);
    assert.equal((await call(base(failed))).status, 418);
  }));

Deno.test("the status stream tells each change and closes at the end", () =>
  withSimulator(async ({ simulator, submit, pass }) => {
    const id = await submit("a fox");
    const response = await fetch(`${simulator.url}${base(id)}/status/stream?logs=1`, {
      headers: { authorization: `Key ${simulator.key}`, accept: "text/event-stream" },
    });
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const statuses: string[] = [];
    for await (const text of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      statuses.push(...[...text.matchAll(/^data: (.*)\n\n/gm)].map((event) => JSON.parse(event[1] ?? "").status));
      await pass(statuses.length === 1 ? 1000 : 3000);
    }
    assert.deepEqual(statuses, ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]);
  }));

Deno.test("the admin routes do what the object does", () =>
  withSimulator(async ({ simulator, call, submit }) => {
    const post = (path: string, body: unknown) =>
      call(`/_simulator/${path}`, { method: "POST", body: JSON.stringify(body) });
    assert.equal((await post("script", { match: "fox", script: { outcome: "hang" } })).status, 200);
    assert.equal((await post("script", { match: "fox", script: { outcome: "nonsense" } })).status, 400);
    assert.equal((await post("configure", { concurrency: 9 })).status, 200);
    const ids = [await submit("a fox"), await submit("a fox")];
    assert.equal((await post(`requests/${ids[0]}/finish`, {})).status, 200);
    assert.equal((await post(`requests/${ids[1]}/fail`, { outcome: "no_media_generated" })).status, 200);
    assert.equal((await post(`requests/${crypto.randomUUID()}/finish`, {})).status, 400);
    assert.deepEqual(simulator.requests.map((request) => request.resultStatus), [200, 422]);
    assert.equal((await call("/_simulator/requests")).body.submissions, 2);
    await post("clear", {});
    assert.equal(simulator.requests.length, 0);
  }));

Deno.test("hundreds of requests at once are all run, on the system's clock", async () => {
  const simulator = await startFalSimulator({ queueMs: 0, runMs: 1, concurrency: 500 });
  try {
    const headers = { authorization: `Key ${simulator.key}` };
    const answers = await Promise.all(Array.from({ length: 500 }, async () => {
      const response = await fetch(`${simulator.url}/fal-ai/veo3.1`, {
        method: "POST",
        headers,
        body: '{"prompt":"x"}',
      });
      return (await response.json()).request_id;
    }));
    assert.equal(new Set(answers).size, 500);
    while (simulator.requests.some((request) => request.state !== "COMPLETED")) {
      await fetch(`${simulator.url}${base(answers[0])}/status`, { headers }).then((response) => response.text());
    }
  } finally {
    await simulator.stop();
  }
});
