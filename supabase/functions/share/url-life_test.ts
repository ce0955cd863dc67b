import assert from "node:assert/strict";
import { SignedUrlCache } from "../_shared/storage/signed-url-cache.ts";
import { urlLife } from "./url-life.ts";

/** Opens links of one file, and tells for how many seconds each of its URLs was signed. */
function prepare() {
  const time = { now: 0 };
  const signed: number[] = [];
  const urls = new SignedUrlCache(() => time.now);
  const open = (secondsLeft: number | null) =>
    urls.get(["a"], urlLife(secondsLeft, time.now), ([path = ""], seconds) => {
      signed.push(seconds);
      return Promise.resolve(new Map([[path, "url"]]));
    });
  return { time, signed, open };
}

Deno.test("openings of a link share a signed URL for half of its ten minutes", async () => {
  const { time, signed, open } = prepare();
  for (time.now of [0, 1, 300_000]) await open(null);
  await open(600);
  assert.deepEqual(signed, [600]);
  time.now = 300_001;
  await open(null);
  assert.deepEqual(signed, [600, 600]);
});

Deno.test("no signed URL works longer than its link", async () => {
  const { signed, open } = prepare();
  for (const secondsLeft of [null, 599, 1, 0]) await open(secondsLeft);
  assert.deepEqual(signed, [600, 599, 1]);
});

Deno.test("links that end soon cost few calls to Storage too, also beside others of the file", async () => {
  const { time, signed, open } = prepare();
  for (; time.now < 100_000; time.now += 100) {
    await open(null);
    // The database counts whole seconds.
    for (const ends of [300_000, 400_000]) await open(Math.floor((ends + 321 - time.now) / 1000));
  }
  assert.ok(signed.length < 12, signed.join());
});
