import assert from "node:assert/strict";
import { SignedUrlCache } from "./signed-url-cache.ts";

/** A cache with a clock, and a Storage that has all files but "none" and counts what it signs. */
function prepareCache() {
  const time = { now: 0 };
  const signed: string[] = [];
  const cache = new SignedUrlCache(() => time.now);
  const sign = (paths: string[], seconds: number) => {
    signed.push(`${paths} ${seconds}`);
    const call = signed.length;
    return Promise.resolve(new Map(paths.filter((path) => path !== "none").map((path) => [path, `${path}#${call}`])));
  };
  const get = async (
    paths: string[],
    life = { atLeastMs: 300_000, atMostMs: 600_000 },
  ) => [...(await cache.get(paths, life, sign)).values()];
  return { time, signed, cache, get };
}

Deno.test("answers share the signed URL of a file for as long as it works long enough, and then get a new one", async () => {
  const { time, signed, get } = prepareCache();
  const first = await Promise.all([get(["a"]), get(["a"])]);
  time.now = 300_000;
  assert.deepEqual([...first, await get(["a"])].flat(), ["a#1", "a#1", "a#1"]);
  time.now = 300_001;
  assert.deepEqual(await get(["a"]), ["a#2"]);
  assert.deepEqual(signed, ["a 600", "a 600"]);
});

Deno.test("a URL that works longer than it may is not given out", async () => {
  const { signed, get } = prepareCache();
  await get(["a"]);
  assert.deepEqual(await get(["a"], { atLeastMs: 1_000, atMostMs: 599_000 }), ["a#2"]);
  assert.deepEqual(signed, ["a 600", "a 599"]);
});

Deno.test("only those that are not kept are signed, by one call", async () => {
  const { signed, get } = prepareCache();
  await get(["b"]);
  assert.deepEqual((await get(["a", "b", "c"])).toSorted(), ["a#2", "b#1", "c#2"]);
  assert.deepEqual(signed, ["b 600", "a,c 600"]);
});

Deno.test("what failed, or was not there, is asked for again", async () => {
  const { signed, cache, get } = prepareCache();
  const life = { atLeastMs: 1, atMostMs: 600_000 };
  const fails = () => cache.get(["a", "b"], life, () => Promise.reject(new Error("Storage is down")));
  await assert.rejects(fails, /down/);
  assert.deepEqual([await get(["none"]), await get(["none"]), await get(["a"])], [[], [], ["a#3"]]);
  assert.deepEqual(signed, ["none 600", "none 600", "a 600"]);
});

Deno.test("only the newest five thousand URLs are kept", async () => {
  const { signed, get } = prepareCache();
  for (let file = 0; file <= 5000; file++) await get([String(file)]);
  await get(["5000"]);
  assert.equal(signed.length, 5001);
  await get(["0"]);
  assert.equal(signed.length, 5002);
});
