import assert from "node:assert/strict";
import { SignedUrlCache } from "./signed-url-cache.ts";

/** A cache with a clock, and a Storage that counts what it signs. */
function prepare() {
  const time = { now: 0 };
  const signed: string[] = [];
  const cache = new SignedUrlCache(() => time.now);
  const sign = (path: string, seconds: number) => {
    signed.push(`${path} ${seconds}`);
    return Promise.resolve(`${path}#${signed.length}`);
  };
  return { time, signed, cache, sign };
}

Deno.test("requests for one file share a signed URL for half of its life", async () => {
  const { time, signed, cache, sign } = prepare();
  const first = await Promise.all([cache.get("a", null, sign), cache.get("a", 600, sign)]);
  time.now = 299_999;
  assert.deepEqual([...first, await cache.get("a", null, sign)], ["a#1", "a#1", "a#1"]);
  assert.equal(await cache.get("b", null, sign), "b#2");
  time.now = 300_000;
  assert.equal(await cache.get("a", null, sign), "a#3");
  assert.deepEqual(signed, ["a 600", "b 600", "a 600"]);
});

Deno.test("no signed URL works longer than its link", async () => {
  const { signed, cache, sign } = prepare();
  assert.equal(await cache.get("a", null, sign), "a#1");
  for (const secondsLeft of [599, 1, 0]) await cache.get("a", secondsLeft, sign);
  assert.deepEqual(signed.slice(1), ["a 599", "a 1"]);
});

Deno.test("links that end soon cost few calls to Storage too, also beside others of the file", async () => {
  const { time, signed, cache, sign } = prepare();
  for (; time.now < 100_000; time.now += 100) {
    await cache.get("a", null, sign);
    // The database counts whole seconds.
    for (const ends of [300_000, 400_000]) await cache.get("a", Math.floor((ends + 321 - time.now) / 1000), sign);
  }
  assert.ok(signed.length < 12, signed.join());
});

Deno.test("what failed, or was not there, is asked for again", async () => {
  const { cache, sign } = prepare();
  await assert.rejects(cache.get("a", null, () => Promise.reject(new Error("Storage is down"))), /down/);
  assert.equal(await cache.get("a", null, () => Promise.resolve(null)), null);
  assert.equal(await cache.get("a", null, sign), "a#1");
});

Deno.test("only the newest thousand URLs are kept", async () => {
  const { signed, cache, sign } = prepare();
  for (let file = 0; file <= 1000; file++) await cache.get(String(file), null, sign);
  await cache.get("1000", null, sign);
  assert.equal(signed.length, 1001);
  await cache.get("0", null, sign);
  assert.equal(signed.length, 1002);
});
