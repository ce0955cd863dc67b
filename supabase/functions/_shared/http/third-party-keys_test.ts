import assert from "node:assert/strict";
import { IssuerKeys, IssuerUnreachable } from "./third-party-keys.ts";

const ISSUER = "https://id.example";

/** Asks for the key of a token; all issuers here have none. */
async function assertUnreachable(keys: IssuerKeys): Promise<void> {
  await assert.rejects(
    async () => await keys.find({ alg: "RS256", kid: "x" }, { payload: "", signature: "" }),
    IssuerUnreachable,
  );
}

Deno.test("an issuer that hangs lets a request wait once in ten seconds, and others not at all", async () => {
  let [now, fetched] = [0, 0];
  const hang = () => {
    now += 15_000;
    fetched++;
    return Promise.reject(new Error("the time is over"));
  };
  const keys = new IssuerKeys(ISSUER, hang, () => now);
  for (let times = 0; times < 5; times++) await assertUnreachable(keys);
  assert.equal(fetched, 1);
  now += 10_000;
  await assertUnreachable(keys);
  assert.equal(fetched, 2);
});

Deno.test("a key set that never ends is not read to its end", async () => {
  let sent = 0;
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 65_536;
        controller.enqueue(new Uint8Array(65_536).fill(32));
      },
    });
  const send = (input: Request | URL | string) =>
    Promise.resolve(
      String(input).endsWith("/keys")
        ? new Response(endless())
        : Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }),
    );
  await assertUnreachable(new IssuerKeys(ISSUER, send, Date.now));
  assert.ok(sent > 0 && sent < 1_000_000, `${sent} bytes were read`);
});

Deno.test("a redirect of the issuer is not followed", async () => {
  const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
  const asked: string[] = [];
  const elsewhere = Deno.serve(options, ({ url }) => {
    asked.push(url);
    return Response.json({ keys: [] });
  });
  const issuer = Deno.serve(options, ({ url }) => {
    const { origin, pathname } = new URL(url);
    return pathname === "/keys"
      ? Response.redirect(`http://127.0.0.1:${elsewhere.addr.port}/keys`)
      : Response.json({ issuer: origin, jwks_uri: `${origin}/keys` });
  });
  try {
    await assertUnreachable(new IssuerKeys(`http://127.0.0.1:${issuer.addr.port}`, fetch, Date.now));
    assert.deepEqual(asked, []);
  } finally {
    await Promise.all([issuer.shutdown(), elsewhere.shutdown()]);
  }
});
