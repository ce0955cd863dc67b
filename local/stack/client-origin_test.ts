import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { clientOrigin } from "./client-origin.ts";

const CASES: [headers: Record<string, string>, origin: string][] = [
  [{ host: "10.0.2.2:54321" }, "http://10.0.2.2:54321"],
  [{ host: "localhost:54321" }, "http://localhost:54321"],
  [
    { host: "127.0.0.1:1", "x-forwarded-host": "a.tunnel.example", "x-forwarded-proto": "https" },
    "https://a.tunnel.example",
  ],
  [{ host: 'x","admin":"y' }, "http://usual"],
  [{}, "http://usual"],
];

for (const [headers, origin] of CASES) {
  Deno.test(`a request with ${JSON.stringify(headers)} asked ${origin}`, () => {
    const request: Pick<IncomingMessage, "headers"> = { headers };
    assert.equal(clientOrigin(request, "http://usual"), origin);
  });
}
