// The same is proven for every adapter in tests/conformance, but these tests run under the hosted runtime's Deno too.
import assert from "node:assert/strict";
import { factsOf, NoResponse, sendOnce } from "./send-once.ts";
import { closedOrigin, withDroppingServer, withKeepAliveServer, withServer } from "./test_servers.ts";

const post = { method: "POST", body: "{}" };

/** Whether a request without an answer was aborted, and whether it may have arrived. */
async function noResponseTo(input: string, init: RequestInit): Promise<[aborted: boolean, mayHaveArrived: boolean]> {
  const error = await sendOnce(fetch, input, init).catch((reason: unknown) => reason);
  assert.ok(error instanceof NoResponse, String(error));
  return [error.aborted, error.mayHaveArrived];
}

Deno.test("a POST whose connection drops may have arrived, and is not sent again", async () => {
  await withDroppingServer(async ({ origin, connections }) => {
    assert.deepEqual(await noResponseTo(origin, post), [false, true]);
    assert.equal(connections(), 1);
  });
});

Deno.test("a POST on a kept-alive connection that drops is not sent again", async () => {
  await withKeepAliveServer({}, async ({ origin, posts }) => {
    assert.equal((await sendOnce(fetch, origin, post)).status, 200);
    assert.deepEqual(await noResponseTo(origin, post), [false, true]);
    assert.equal(posts(), 2);
  });
});

Deno.test("a redirect is an answer, and is not followed", async () => {
  const redirect = () => new Response(null, { status: 307, headers: { location: "/elsewhere" } });
  await withServer(redirect, async ({ origin, arrived }) => {
    assert.equal((await sendOnce(fetch, origin, post)).status, 307);
    assert.deepEqual(arrived, ["POST /"]);
  });
});

Deno.test("a request that found no server, or was aborted before it was sent, has not arrived", async () => {
  assert.deepEqual(await noResponseTo(closedOrigin(), post), [false, false]);
  assert.deepEqual(await noResponseTo(closedOrigin(), { ...post, signal: AbortSignal.abort("late") }), [true, false]);
});

function waitOf(header: string | null): number | undefined {
  const headers = new Headers(header === null ? {} : { "Retry-After": header });
  return factsOf({ status: 429, headers, body: null }).retryAfterSeconds;
}

Deno.test("Retry-After is a number of seconds", () => {
  assert.deepEqual(["0", "7", " 30 "].map(waitOf), [0, 7, 30]);
});

Deno.test("Retry-After is a date, and a date in the past is no wait", () => {
  const wait = waitOf(new Date(Date.now() + 60_000).toUTCString()) ?? NaN;
  assert.ok(wait > 55 && wait <= 60, `${wait}`);
  assert.equal(waitOf("Fri, 21 Nov 2025 12:00:00 GMT"), 0);
});

Deno.test("without a valid Retry-After the wait is unknown", () => {
  assert.deepEqual([null, "", "soon", "-"].map(waitOf), [undefined, undefined, undefined, undefined]);
});
