import { type FalSimulator, type FalSimulatorOptions, startFalSimulator } from "./simulator.ts";
import { z } from "zod";

/** A simulator whose clock only the test moves. */
export interface TestBench {
  simulator: FalSimulator;
  /** Moves the clock and does what is due. */
  pass(ms: number): Promise<void>;
  /** Calls a route with the key. */
  call(path: string, init?: RequestInit): Promise<{ status: number; headers: Headers; body: Record<string, unknown> }>;
  /** Submits to an endpoint and gives the request id. */
  submit(prompt: string, options?: { endpoint?: string; webhook?: string; headers?: HeadersInit }): Promise<string>;
}

/** Runs a test against a simulator of its own. */
export async function withSimulator(
  test: (bench: TestBench) => Promise<void>,
  options: FalSimulatorOptions = {},
): Promise<void> {
  let time = Date.UTC(2026, 10, 1);
  const simulator = await startFalSimulator({ now: () => time, ...options });
  const call: TestBench["call"] = async (path, init = {}) => {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Key ${simulator.key}`);
    const response = await fetch(new URL(path, simulator.url), { ...init, headers });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.includes("json");
    const body = isJson && text !== "" ? z.record(z.string(), z.unknown()).parse(JSON.parse(text)) : { text };
    return { status: response.status, headers: response.headers, body };
  };
  try {
    await test({
      simulator,
      call,
      async pass(ms) {
        time += ms;
        await simulator.tick();
      },
      async submit(prompt, { endpoint = "fal-ai/veo3.1/fast", webhook, headers } = {}) {
        const query = webhook === undefined ? "" : `?fal_webhook=${encodeURIComponent(webhook)}`;
        const answer = await call(`/${endpoint}${query}`, {
          method: "POST",
          headers: headers ?? {},
          body: JSON.stringify({ prompt }),
        });
        return z.string().parse(answer.body.request_id);
      },
    });
  } finally {
    await simulator.stop();
  }
}

/** A webhook as it arrived. */
export interface ReceivedWebhook {
  headers: Headers;
  raw: Uint8Array<ArrayBuffer>;
  body: Record<string, unknown>;
}

/** Runs a test with a receiver of webhooks; `answer` tells what it answers. */
export async function withReceiver(
  test: (url: string, received: ReceivedWebhook[]) => Promise<void>,
  answer: (webhook: ReceivedWebhook, count: number) => Response | Promise<Response> = () => new Response("ok"),
): Promise<void> {
  const received: ReceivedWebhook[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    const raw = await request.bytes();
    const body = z.record(z.string(), z.unknown()).parse(JSON.parse(new TextDecoder().decode(raw)));
    const webhook = { headers: request.headers, raw, body };
    received.push(webhook);
    return await answer(webhook, received.length);
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/hook?job=1`, received);
  } finally {
    await server.shutdown();
  }
}
