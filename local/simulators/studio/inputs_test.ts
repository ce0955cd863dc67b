import assert from "node:assert/strict";
import { fetchInput, InputError } from "./inputs.ts";

/** A server whose answers never end: `/slow` sends a byte now and then, `/away` leads to it by another origin. */
async function withServer(work: (origin: string) => Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setInterval> | undefined;
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    if (url.endsWith("/away")) {
      return Response.redirect(url.replace("127.0.0.1", "localhost").replace("/away", "/slow"));
    }
    return new Response(
      new ReadableStream({
        start: (controller) => void (timer = setInterval(() => controller.enqueue(new Uint8Array(1)), 20)),
        cancel: () => clearInterval(timer),
      }),
    );
  });
  try {
    await work(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
    clearInterval(timer);
  }
}

Deno.test("a file that comes too slowly is given up", async () => {
  await withServer(async (origin) => {
    await assert.rejects(fetchInput(`${origin}/slow`, [origin], 300), InputError);
  });
});

Deno.test("an input is of the local stack or of a public https address, also after a redirect", async () => {
  await withServer(async (origin) => {
    const urls = [
      "file:///etc/passwd",
      "http://example.com/1.png",
      "https://127.0.0.1/1.png",
      "https://[::1]/1.png",
      "data:,a",
    ];
    for (const url of [...urls, `${origin}/away`, origin.replace("127.0.0.1", "localhost")]) {
      await assert.rejects(fetchInput(url, [origin], 300), InputError, url);
    }
  });
});
