import assert from "node:assert/strict";
import { z } from "zod";
import { type ReceivedWebhook, withReceiver, withSimulator } from "./test_support.ts";

/** Written from fal's description alone, with nothing of the simulator's own signing. */
async function isGenuine(jwksUrl: string, webhook: ReceivedWebhook): Promise<boolean> {
  const header = (name: string) => webhook.headers.get(`x-fal-webhook-${name}`) ?? "";
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", webhook.raw)).toHex();
  const message = new TextEncoder().encode(
    [header("request-id"), header("user-id"), header("timestamp"), hash].join("\n"),
  );
  const response = await fetch(jwksUrl);
  if (!response.ok) await response.body?.cancel();
  const jwks = z.object({ keys: z.array(z.object({ kty: z.string(), crv: z.string(), x: z.string() })) });
  for (const key of response.ok ? jwks.parse(await response.json()).keys : []) {
    const imported = await crypto.subtle.importKey("jwk", key, { name: "Ed25519" }, false, ["verify"]);
    if (await crypto.subtle.verify("Ed25519", imported, Uint8Array.fromHex(header("signature")), message)) return true;
  }
  return false;
}

Deno.test("a webhook is signed, sorted and spaced as fal's are", () =>
  withReceiver((webhook, received) =>
    withSimulator(async ({ simulator, submit, pass }) => {
      const id = await submit("ein Füchslein", { webhook });
      await pass(4000);
      assert.equal(received.length, 1);
      const [first] = received;
      assert.ok(first);
      assert.match(
        new TextDecoder().decode(first.raw),
        /^\{"error": null, "gateway_request_id": "[^"]+", "payload": \{"video": \{"content_type": "video\/mp4", /,
      );
      assert.equal(first.body.request_id, id);
      assert.equal(first.body.status, "OK");
      assert.equal(await isGenuine(simulator.jwksUrl, first), true);
      assert.equal(simulator.jwksFetches, 1);
      assert.equal(simulator.requests[0]?.webhooks[0]?.status, 200);
    })
  ));

Deno.test("forged and tampered webhooks fail the check, and so do those of a key that was rotated away", () =>
  withReceiver((webhook, received) =>
    withSimulator(async ({ simulator, submit, pass }) => {
      await submit("a fox", { webhook });
      await submit("a fox [fal: webhook_forged]", { webhook });
      await submit("a fox [fal: webhook_tampered]", { webhook });
      await pass(10_000);
      const genuine = async () => {
        const checks = [];
        for (const one of received) checks.push(await isGenuine(simulator.jwksUrl, one));
        return checks.filter((check) => check).length;
      };
      assert.equal(received.length, 3);
      assert.equal(await genuine(), 1);
      await simulator.rotateKeys({ keepOld: true });
      assert.equal(await genuine(), 1);
      await simulator.rotateKeys();
      assert.equal(await genuine(), 0);
      await simulator.deliverWebhook(simulator.requests[0]?.id ?? "");
      assert.equal(await genuine(), 1);
      simulator.configure({ jwksDown: true });
      assert.equal(await genuine(), 0);
    })
  ));

Deno.test("the words for webhooks: none, copies, late, stale, another user, payload error, huge integers, errors", () =>
  withReceiver((webhook, received) =>
    withSimulator(async ({ simulator, submit, pass }) => {
      const run = async (words: string, ms = 10) => {
        received.length = 0;
        await submit(`a fox [fal: queue=0 run=0 ${words}]`, { webhook });
        await pass(ms);
        return received;
      };
      assert.equal((await run("webhook_none")).length, 0);
      assert.equal((await run("webhook_copies=10")).length, 10);
      assert.equal((await run("webhook_late=400s", 399_000)).length, 0);
      await pass(1000);
      assert.equal(received.length, 1);
      const stale = (await run("webhook_stale"))[0];
      const sentAt = Math.floor((simulator.requests.at(-1)?.webhooks[0]?.at ?? 0) / 1000);
      assert.equal(stale?.headers.get("x-fal-webhook-timestamp"), String(sentAt - 301));
      assert.ok(stale && await isGenuine(simulator.jwksUrl, stale));
      const stranger = (await run("webhook_other_user"))[0];
      assert.equal(stranger?.headers.get("x-fal-webhook-user-id"), "another-user");
      const empty = (await run("webhook_payload_error"))[0];
      assert.equal(empty?.body.payload, null);
      assert.ok(empty?.body.payload_error);
      const huge = (await run("huge_integers"))[0];
      assert.match(new TextDecoder().decode(huge?.raw), /"seed": 9223372036854775783\b/);
      assert.equal((await run("webhook_error"))[0]?.body.status, "ERROR");
      const failed = (await run("content_policy"))[0];
      assert.equal(failed?.body.error, "Unexpected status code: 422");
      assert.deepEqual((await run("webhook_error_first")).map(({ body }) => body.status), ["ERROR", "OK"]);
    })
  ));

Deno.test("a webhook can come before the submit is answered, and before the status tells the end", async () => {
  let answered = false;
  const seen: boolean[] = [];
  await withReceiver((webhook, received) =>
    withSimulator(async ({ simulator, submit, pass }) => {
      const id = await submit("a fox [fal: webhook_before_answer]", { webhook });
      answered = true;
      assert.deepEqual(seen, [false]);
      assert.equal(received[0]?.body.request_id, id);
      await submit("a fox [fal: webhook_early]", { webhook });
      await pass(700);
      assert.equal(received.length, 2);
      assert.equal(simulator.requests[1]?.state, "IN_PROGRESS");
      await pass(10_000);
      assert.equal(received.length, 2);
    }), () => {
    seen.push(answered);
    return new Response("ok");
  });
});

Deno.test("a refused webhook is sent again after growing pauses until it is taken", () =>
  withReceiver((webhook, received) =>
    withSimulator(async ({ simulator, submit, pass }) => {
      await submit("a fox", { webhook });
      for (let second = 0; second < 12; second++) await pass(1000);
      assert.deepEqual(received.map(({ body }) => body.status), ["OK", "OK", "OK"]);
      const [first, second, third] = simulator.requests[0]?.webhooks ?? [];
      assert.ok(first && second && third);
      assert.deepEqual([second.at - first.at, third.at - second.at, third.status], [1000, 2000, 200]);
    }), (_webhook, count) => new Response(null, { status: count < 3 ? 500 : 200 })));

Deno.test("a redirect ends the delivery and is not followed", () =>
  withReceiver((webhook, received) =>
    withSimulator(async ({ submit, pass }) => {
      await submit("a fox", { webhook });
      for (let minute = 0; minute < 5; minute++) await pass(60_000);
      assert.equal(received.length, 1);
    }), () => Response.redirect("http://127.0.0.1:9/", 307)));

Deno.test("a webhook that is never accepted is given up within the hour", () =>
  withSimulator(async ({ simulator, submit, pass }) => {
    await submit("a fox", { webhook: "http://127.0.0.1:9/hook" });
    for (let minute = 0; minute < 120; minute++) await pass(60_000);
    const attempts = simulator.requests[0]?.webhooks ?? [];
    assert.ok(attempts.length > 5 && attempts.length <= 31, String(attempts.length));
    const [first, last] = [attempts[0], attempts.at(-1)];
    assert.ok(first && last && last.at - first.at <= 3_660_000);
    assert.equal(last.status, null);
  }));

Deno.test("a cancelled request sends no webhook unless it is asked to", () =>
  withReceiver((webhook, received) =>
    withSimulator(async ({ submit, call, pass }) => {
      for (const words of ["", "[fal: cancel_webhook]"]) {
        const id = await submit(`a fox ${words}`, { webhook });
        await call(`/fal-ai/veo3.1/requests/${id}/cancel`, { method: "PUT" });
      }
      await pass(10_000);
      assert.deepEqual(received.map(({ body }) => body.error), ["Unexpected status code: 499"]);
    })
  ));
