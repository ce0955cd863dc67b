import assert from "node:assert/strict";
import { noTimeout } from "../../supabase/functions/_shared/providers/test_support.ts";
import { type ProviderUnderTest, submissionOf, withSimulator } from "./provider-under-test.ts";

interface Delivery {
  headers: Headers;
  body: BufferSource;
}

/** A server that receives webhooks and answers each with 200. */
async function withReceiver(
  test: (url: string, received: Delivery[]) => Promise<void>,
): Promise<void> {
  const received: Delivery[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
    received.push({ headers: request.headers, body: await request.arrayBuffer() });
    return new Response(null, { status: 200 });
  });
  try {
    await test(`http://127.0.0.1:${server.addr.port}/hook?token=secret`, received);
  } finally {
    await server.shutdown();
  }
}

const encode = (text: string): BufferSource => new TextEncoder().encode(text);

/** A webhook names its run; where the provider signs, only its own signature is accepted. */
export function testWebhooks(tested: ProviderUnderTest): void {
  const { name } = tested;
  const { webhook } = tested.production(() => Promise.reject(new Error("no request expected")));
  if (webhook === undefined) {
    Deno.test(`${name}: no webhook comes, although the submission has a URL for it`, async () => {
      await withReceiver(async (url, received) => {
        await withSimulator(tested, async ({ provider, finish, advance }) => {
          finish(await provider.submit({ ...submissionOf(tested), webhookUrl: url }, noTimeout()));
          await advance(60_000);
          assert.deepEqual(received, []);
        });
      });
    });
    return;
  }

  for (const words of ["run=1s", tested.failures[0]?.[0] ?? ""]) {
    Deno.test(`${name}: the webhook of a run that ends with ${words} names it, and is genuine`, async () => {
      await withReceiver(async (url, received) => {
        await withSimulator(tested, async ({ provider, finish, advance }) => {
          const run = await provider.submit({ ...submissionOf(tested, words), webhookUrl: url }, noTimeout());
          finish(run);
          await advance(0);
          const [delivery] = received;
          assert.ok(delivery && provider.webhook, "no webhook came");
          assert.equal(provider.webhook.runId(delivery.body), run.providerJobId);
          assert.equal(await provider.webhook.verify?.(delivery) ?? true, true);
        });
      });
    });
  }

  Deno.test(`${name}: a body that is no webhook names no run`, () => {
    for (const text of ["", "{", "null", "[]", "{}", '{"id":"","request_id":""}', '{"id":5,"request_id":5}', "\xff"]) {
      assert.equal(webhook.runId(encode(text)), null, text);
    }
  });

  if (webhook.verify === undefined) return;
  Deno.test(`${name}: a webhook without a signature, or with one byte changed, is not genuine`, async () => {
    await withReceiver(async (url, received) => {
      await withSimulator(tested, async ({ provider, finish, advance }) => {
        finish(await provider.submit({ ...submissionOf(tested), webhookUrl: url }, noTimeout()));
        await advance(0);
        const [delivery] = received;
        assert.ok(delivery && provider.webhook?.verify, "no webhook came");
        assert.equal(await provider.webhook.verify({ ...delivery, headers: new Headers() }), false);
        assert.equal(await provider.webhook.verify({ ...delivery, body: encode("{}") }), false);
      });
    });
  });
}
