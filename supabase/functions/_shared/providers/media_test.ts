import assert from "node:assert/strict";
import { fetchMedia } from "./media.ts";
import { closedOrigin } from "./test_servers.ts";
import { classOf, type ErrorClassText, errorOf, fakeFetch, noTimeout } from "./test_support.ts";

const { signal } = noTimeout();

interface Hosts {
  origin: string;
  other: string;
  /** What arrived: host, path and the key. */
  arrived: string[];
}

/** Two origins: a file server that answers by path, and another one that serves a file. */
async function withHosts(
  answers: Record<string, () => Response>,
  test: (hosts: Hosts) => Promise<void>,
): Promise<void> {
  const arrived: string[] = [];
  const serve = (name: string, answer: (path: string) => Response) =>
    Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
      const { pathname } = new URL(request.url);
      arrived.push(`${name}${pathname} ${request.headers.get("x-key") ?? "no key"}`);
      return answer(pathname);
    });
  const origins = (server: Deno.HttpServer<Deno.NetAddr>) => `http://127.0.0.1:${server.addr.port}`;
  const other = serve("other", () => new Response("elsewhere"));
  const main = serve("main", (path) => (answers[path]?.() ?? new Response("film")));
  try {
    await test({ origin: origins(main), other: origins(other), arrived });
  } finally {
    await Promise.all([main.shutdown(), other.shutdown()]);
  }
}

const redirect = (location: string, status = 302) => () => new Response(null, { status, headers: { location } });

Deno.test("a file on an allowed origin is opened, with our headers and the length that the server sent", async () => {
  const film = () => new Response(new Uint8Array(1000), { headers: { "content-type": "video/mp4" } });
  await withHosts({ "/1.mp4": film }, async ({ origin, arrived }) => {
    const response = await fetchMedia(`${origin}/1.mp4`, {
      allowedHosts: [origin],
      headers: { "x-key": "secret" },
      signal,
    });
    assert.equal(response.headers.get("content-length"), "1000");
    assert.equal((await response.bytes()).length, 1000);
    assert.deepEqual(arrived, ["main/1.mp4 secret"]);
  });
});

Deno.test("a redirect is followed, and the key is not sent to another origin", async () => {
  await withHosts({}, async (outer) => {
    const answers = { "/start": redirect("/next", 307), "/next": redirect(`${outer.other}/file`) };
    await withHosts(answers, async ({ origin, arrived }) => {
      const response = await fetchMedia(`${origin}/start`, {
        allowedHosts: [origin, outer.other],
        headers: { "x-key": "secret" },
        signal,
      });
      assert.equal(await response.text(), "elsewhere");
      assert.equal(response.url, `${outer.other}/file`);
      assert.deepEqual(arrived, ["main/start secret", "main/next secret"]);
      assert.deepEqual(outer.arrived, ["other/file no key"]);
    });
  });
});

Deno.test("three redirects are followed and a fourth is not", async () => {
  const hops = Object.fromEntries([0, 1, 2, 3].map((hop) => [`/${hop}`, redirect(`/${hop + 1}`)]));
  await withHosts(hops, async ({ origin, arrived }) => {
    const options = { allowedHosts: [origin], signal };
    assert.equal(await (await fetchMedia(`${origin}/1`, options)).text(), "film");
    arrived.length = 0;
    const error = await errorOf(fetchMedia(`${origin}/0`, options));
    assert.equal(classOf(error), "retryable provider_bad_answer");
    assert.equal(arrived.length, 4);
  });
});

for (
  const target of ["http://169.254.169.254/latest/meta-data/", "http://localhost:1/", "ftp://x/", "https://[", "other"]
) {
  Deno.test(`a redirect to ${target} is not followed`, async () => {
    await withHosts({}, async (outer) => {
      const location = target === "other" ? outer.other : target;
      await withHosts({ "/start": redirect(location) }, async ({ origin }) => {
        const error = await errorOf(fetchMedia(`${origin}/start`, { allowedHosts: [origin], signal }));
        assert.equal(classOf(error), "rejected provider_bad_answer");
        assert.deepEqual(outer.arrived, []);
      });
    });
  });
}

/** Opens a URL without a network, and returns which URLs were requested. */
async function opened(url: string, allowedHosts: string[]): Promise<string[]> {
  const { send, sent } = fakeFetch(() => new Response("film"));
  const response = await fetchMedia(url, { allowedHosts, signal, fetch: send });
  await response.body?.cancel();
  return sent.map((request) => request.url);
}

const FAL = ["fal.media", "*.fal.media", "storage.googleapis.com/falserverless/", "http://127.0.0.1:8123"];

for (
  const url of [
    "https://fal.media/files/1.mp4",
    "https://v3b.fal.media/files/1.mp4?x=1",
    "https://a.b.fal.media/1.mp4",
    "https://FAL.media:443/1.mp4",
    "https://storage.googleapis.com/falserverless/a/1.mp4",
    "http://127.0.0.1:8123/files/1.mp4",
  ]
) {
  Deno.test(`${url} is allowed`, async () => {
    assert.deepEqual(await opened(url, FAL), [new URL(url).href]);
  });
}

for (
  const url of [
    "http://fal.media/1.mp4",
    "https://fal.media:8443/1.mp4",
    "https://evilfal.media/1.mp4",
    "https://fal.media.evil.example/1.mp4",
    "https://fal.media@evil.example/1.mp4",
    "https://user:password@fal.media/1.mp4",
    "https://storage.googleapis.com/other/1.mp4",
    "https://storage.googleapis.com/falserverless",
    "https://storage.googleapis.com/falserverless/../other/1.mp4",
    "https://storage.googleapis.com/falserverless/%2e%2e/other/1.mp4",
    "https://x.storage.googleapis.com/falserverless/1.mp4",
    "https://127.0.0.1:8123/1.mp4",
    "http://127.0.0.1:8124/1.mp4",
    "http://127.1:8124/1.mp4",
    "http://localhost:8123/1.mp4",
    "https://10.0.0.1/1.mp4",
    "https://[::1]/1.mp4",
    "data:video/mp4;base64,AAAA",
    "file:///etc/passwd",
    "not a url",
    "/relative",
    "",
  ]
) {
  Deno.test(`${JSON.stringify(url)} is not allowed`, async () => {
    assert.equal(classOf(await errorOf(opened(url, FAL))), "rejected provider_bad_answer");
  });
}

const STATUSES: [status: number, errorClass: ErrorClassText][] = [
  [404, "rejected result_expired"],
  [410, "rejected result_expired"],
  [401, "retryable provider_unauthorized"],
  [403, "retryable provider_unauthorized"],
  [429, "retryable provider_error"],
  [500, "retryable provider_error"],
  [503, "retryable provider_error"],
  [304, "retryable provider_error"],
];

for (const [status, errorClass] of STATUSES) {
  Deno.test(`a file answered ${status} is ${errorClass}, and the log has its URL without the signature`, async () => {
    await withHosts({ "/1.mp4": () => new Response(null, { status }) }, async ({ origin }) => {
      const options = { allowedHosts: [origin], signal };
      const error = await errorOf(fetchMedia(`${origin}/1.mp4?signature=very-secret`, options));
      assert.equal(classOf(error), errorClass);
      assert.match(error.detail, new RegExp(`${status} from ${origin}/1.mp4$`));
    });
  });
}

Deno.test("a host that cannot be reached is retryable", async () => {
  const origin = closedOrigin();
  const error = await errorOf(fetchMedia(`${origin}/1?very-secret`, { allowedHosts: [origin], signal }));
  assert.equal(classOf(error), "retryable provider_unreachable");
  assert.doesNotMatch(error.message, /very-secret/);
});

Deno.test("the signal ends the wait for a host that does not answer", async () => {
  const limit = new AbortController();
  const late = Promise.withResolvers<Response>();
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    limit.abort(new DOMException("too slow", "TimeoutError"));
    return late.promise;
  });
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const error = await errorOf(fetchMedia(origin, { allowedHosts: [origin], signal: limit.signal }));
  assert.equal(classOf(error), "retryable provider_timeout");
  const early = await errorOf(fetchMedia(origin, { allowedHosts: [origin], signal: limit.signal }));
  assert.equal(early.code, "provider_timeout");
  late.resolve(new Response("late"));
  await server.shutdown();
});
