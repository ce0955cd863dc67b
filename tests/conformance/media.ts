import assert from "node:assert/strict";
import { classOf, errorOf, mediaOf, noTimeout } from "../../supabase/functions/_shared/providers/test_support.ts";
import { type ProviderUnderTest, submissionOf, withSimulator } from "./provider-under-test.ts";

/** Only files on the provider's own hosts are opened, and only the provider gets the key. */
export function testMedia(tested: ProviderUnderTest): void {
  const { name, keyHeader } = tested;

  for (const [words, errorClass] of tested.brokenMedia) {
    Deno.test(`${name}: a file with ${words} is not opened: ${errorClass}`, async () => {
      await withSimulator(tested, async ({ provider, finish }) => {
        const run = await provider.submit(submissionOf(tested, words), noTimeout());
        finish(run);
        const { video_url = "" } = mediaOf(await provider.check(run, noTimeout()));
        assert.equal(classOf(await errorOf(provider.fetchMedia(video_url, noTimeout()))), errorClass);
      });
    });
  }

  Deno.test(`${name}: a redirect to another of its hosts is followed without the key`, async () => {
    const { url, redirectsTo, needsKey } = tested.media;
    const recording = recorded((input) =>
      input === url
        ? new Response(null, { status: 302, headers: { location: redirectsTo } })
        : new Response("film", { headers: { "content-type": "video/mp4" } })
    );
    const response = await tested.production(recording.send).fetchMedia(url, noTimeout());
    assert.equal(await response.text(), "film");
    assert.deepEqual(recording.calls.map(({ url, headers }) => [url, headers.has(keyHeader)]), [
      [url, needsKey],
      [redirectsTo, false],
    ]);
  });

  for (
    const address of [
      // Every other spelling: media_test.ts.
      "https://evil.example/1.mp4",
      "http://169.254.169.254/latest/meta-data/",
      "",
    ]
  ) {
    Deno.test(`${name}: ${address || "an empty URL"} is not opened, directly or by a redirect`, async () => {
      const direct = recorded(() => new Response("film"));
      const error = await errorOf(tested.production(direct.send).fetchMedia(address, noTimeout()));
      assert.deepEqual([classOf(error), direct.calls], ["rejected provider_bad_answer", []]);
      if (address === "") return;
      const { url } = tested.media;
      const redirecting = recorded(() => new Response(null, { status: 302, headers: { location: address } }));
      await errorOf(tested.production(redirecting.send).fetchMedia(url, noTimeout()));
      assert.deepEqual(redirecting.calls.map((call) => call.url), [url]);
    });
  }

  Deno.test(`${name}: from the submission to the file, only the provider gets the key`, async () => {
    const recording = recorded((input, init) => fetch(input, init));
    await withSimulator(tested, async ({ provider, finish }) => {
      const run = await provider.submit(submissionOf(tested), noTimeout());
      await provider.check(run, noTimeout());
      finish(run);
      const { video_url = "" } = mediaOf(await provider.check(run, noTimeout()));
      await (await provider.fetchMedia(video_url, noTimeout())).body?.cancel();
      await provider.cancel(run, noTimeout());
      const [submitted] = recording.calls;
      const withKey = recording.calls.filter(({ headers }) => headers.has(keyHeader)).map(({ url }) =>
        new URL(url).origin
      );
      assert.deepEqual([...new Set(withKey)], [new URL(submitted?.url ?? "").origin]);
      // Not as a part of a URL either: servers log URLs.
      const key = submitted?.headers.get(keyHeader)?.replace(/^(Key|Bearer) /, "") ?? "";
      assert.ok(key.length > 0 && recording.calls.every(({ url }) => !url.includes(key)));
    }, recording.send);
  });
}

interface RecordedFetch {
  send: typeof fetch;
  calls: { url: string; headers: Headers }[];
}

/** A `fetch` that records its calls. */
function recorded(answer: (url: string, init?: RequestInit) => Response | Promise<Response>): RecordedFetch {
  const calls: RecordedFetch["calls"] = [];
  return {
    calls,
    async send(input, init) {
      const url = input instanceof Request ? input.url : String(input);
      calls.push({ url, headers: new Headers(init?.headers) });
      return await answer(url, init);
    },
  };
}
