import assert from "node:assert/strict";
import { z } from "zod";
import { type RunpodSimulator, type RunpodSimulatorOptions, startRunpodSimulator } from "./simulator.ts";

interface Bench {
  simulator: RunpodSimulator;
  pass(milliseconds: number): Promise<void>;
  call(path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>;
  run(request?: Record<string, unknown>): Promise<string>;
}

async function withSimulator(
  test: (bench: Bench) => Promise<void>,
  options: RunpodSimulatorOptions = {},
): Promise<void> {
  let time = Date.UTC(2026, 10, 1);
  const simulator = await startRunpodSimulator({ now: () => time, queueMs: 1000, runMs: 2000, ...options });
  const call: Bench["call"] = async (path, body) => {
    const response = await fetch(`${simulator.baseUrl}/wan/${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${simulator.key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: z.record(z.string(), z.unknown()).parse(await response.json()) };
  };
  try {
    await test({
      simulator,
      call,
      async pass(milliseconds) {
        time += milliseconds;
        await simulator.tick();
      },
      async run(request = {}) {
        const { body } = await call("run", { input: { prompt: "A lighthouse" }, ...request });
        assert.equal(body.status, "IN_QUEUE");
        return String(body.id);
      },
    });
  } finally {
    await simulator.stop();
  }
}

Deno.test("a run waits, runs and ends with a film that plays", async () => {
  await withSimulator(async ({ call, run, pass }) => {
    const id = await run();
    assert.deepEqual((await call(`status/${id}`)).body, { id, status: "IN_QUEUE" });
    await pass(1000);
    const { body: running } = await call(`status/${id}`);
    assert.deepEqual([running.status, running.delayTime], ["IN_PROGRESS", 1000]);
    await pass(2000);
    const { body: ended } = await call(`status/${id}`);
    assert.deepEqual([ended.status, ended.executionTime], ["COMPLETED", 2000]);
    const { video_url } = z.object({ video_url: z.string() }).parse(ended.output);
    const part = await fetch(video_url, { headers: { range: "bytes=0-99" } });
    assert.deepEqual([part.status, (await part.arrayBuffer()).byteLength], [206, 100]);
  });
});

Deno.test("a ttl is hard: queued or running, the job is gone when it is over", async () => {
  await withSimulator(async ({ call, run, pass }) => {
    const policy = { ttl: 20_000 };
    const waiting = await run({ input: { prompt: "[runpod: stuck]" }, policy });
    const running = await run({ input: { prompt: "[runpod: run=1h]" }, policy });
    await pass(19_000);
    assert.equal((await call(`status/${waiting}`)).body.status, "IN_QUEUE");
    assert.equal((await call(`status/${running}`)).body.status, "IN_PROGRESS");
    await pass(1000);
    for (const id of [waiting, running]) assert.equal((await call(`status/${id}`)).status, 404);
  });
});

Deno.test("an execution timeout ends a run that hangs", async () => {
  await withSimulator(async ({ call, run, pass }) => {
    const id = await run({ input: { prompt: "[runpod: hang]" }, policy: { executionTimeout: 60_000 } });
    await pass(61_000);
    assert.equal((await call(`status/${id}`)).body.status, "TIMED_OUT");
  });
});

Deno.test("a result is kept for half an hour", async () => {
  await withSimulator(async ({ call, run, pass, simulator }) => {
    const id = await run();
    simulator.finish(id);
    await pass(30 * 60_000 - 1);
    assert.equal((await call(`status/${id}`)).status, 200);
    await pass(1);
    assert.equal((await call(`status/${id}`)).status, 404);
  });
});

Deno.test("a webhook echoes input and address, and is tried three times, ten seconds apart", async () => {
  const received: unknown[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    received.push(await request.json());
    return new Response(null, { status: 202 });
  });
  const webhook = `http://127.0.0.1:${server.addr.port}/hook?token=secret`;
  await withSimulator(async ({ run, pass, simulator }) => {
    const id = await run({ webhook });
    simulator.finish(id, "FAILED");
    await pass(0);
    assert.deepEqual(received, [{
      id,
      status: "FAILED",
      delayTime: 0,
      workerId: "simulated-worker",
      executionTime: 0,
      input: { prompt: "A lighthouse" },
      webhook,
    }]);
    await pass(9999);
    assert.equal(received.length, 1);
    await pass(1);
    await pass(10_000);
    await pass(60_000);
    assert.deepEqual(simulator.requests[0]?.webhooks.map(({ status }) => status), [202, 202, 202]);
  });
  await server.shutdown();
});

Deno.test("what is beyond the rate is 429, for ten seconds", async () => {
  await withSimulator(async ({ call, pass, simulator }) => {
    const statuses = await Promise.all([1, 2, 3].map(async () => (await call("run", { input: {} })).status));
    assert.deepEqual(statuses.toSorted(), [200, 200, 429]);
    await pass(10_000);
    assert.equal((await call("run", { input: {} })).status, 200);
    assert.deepEqual([simulator.submissions, simulator.requests.length], [4, 3]);
  }, { limits: { run: 2 } });
});

Deno.test("what is no request is refused", async () => {
  await withSimulator(async ({ call, simulator }) => {
    for (const body of [{}, { input: "text" }, { input: {}, policy: { ttl: 9999 } }]) {
      assert.equal((await call("run", body)).status, 400);
    }
    assert.equal((await fetch(`${simulator.baseUrl}/wan/run`, { method: "POST" })).status, 401);
  });
});
