// What a link to a finished video answers: the video, its files, its page, and names of saved files.
import assert from "node:assert/strict";
import { download, ENDLESS, startGeneration } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import {
  addFiles,
  assertGonePage,
  assertRefuses,
  deliver,
  linkTo,
  open,
  share,
  SIGN,
  target,
} from "../support/share.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: ENDLESS });

Deno.test.beforeEach(() => world.gateway.clearFaults());

Deno.test("a link redirects anyone to the video, and a request for its headers too", async () => {
  const generation = await deliver(world);
  const { status, body } = await share(world, generation);
  assert.equal(status, 200);
  assert.deepEqual(Object.keys(body), ["share_id", "url", "page_url", "thumbnail_url", "subtitles_url", "expires_at"]);
  const url = String(body.url);
  assert.match(url.slice(world.url.length), /^\/functions\/v1\/share\/[A-Za-z0-9_-]{32}$/);
  assert.deepEqual([body.page_url, body.thumbnail_url, body.subtitles_url, body.expires_at], [
    `${url}/page`,
    null,
    null,
    null,
  ]);
  for (const method of ["GET", "HEAD"]) {
    const { status, headers } = await open(url, { method });
    assert.equal(status, 302);
    assert.deepEqual(
      ["cache-control", "referrer-policy", "x-robots-tag", "access-control-allow-origin"].map((name) =>
        headers.get(name)
      ),
      ["no-store", "no-referrer", "noindex", "*"],
    );
    assert.ok(headers.get("location")?.startsWith(`${world.url}${SIGN}/`));
  }
  const own = await download((await generation.poll()).body.video_url);
  assert.deepEqual(await download(url), own);
  const preflight = await open(url, { method: "OPTIONS" });
  assert.deepEqual([preflight.status, preflight.headers.get("access-control-allow-methods")], [204, "GET, OPTIONS"]);
});

Deno.test("thumbnail and subtitles have addresses of their own, where the video has them", async () => {
  const generation = await deliver(world);
  await assert.rejects(target(`${await linkTo(world, generation)}/thumbnail`));
  await addFiles(world, generation);
  const { body } = await share(world, generation);
  assert.equal(new TextDecoder().decode(await download(body.thumbnail_url)), "picture");
  assert.equal(new TextDecoder().decode(await download(body.subtitles_url)), "WEBVTT\n");
});

Deno.test("the page previews the video, runs no script and shows nothing of its owner", async () => {
  const generation = await deliver(world, { settings: { duration: 5, aspect_ratio: "9:16" } });
  await addFiles(world, generation);
  const { body } = await share(world, generation, { title: " \"><script>alert(1)</script><b>' & Co " });
  const response = await open(body.page_url);
  const html = await response.text();
  const { headers } = response;
  assert.deepEqual([response.status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  const title = "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;b&gt;&#39; &amp; Co";
  for (
    const tag of [
      `<title>${title}</title>`,
      `<meta name="robots" content="noindex">`,
      `<meta property="og:title" content="${title}">`,
      `<meta property="og:video" content="${body.url}">`,
      `<meta property="og:video:width" content="405">`,
      `<meta property="og:video:height" content="720">`,
      `<meta property="og:image" content="${body.thumbnail_url}">`,
      `<meta name="twitter:card" content="player">`,
      `<meta name="twitter:player" content="${body.page_url}">`,
      `src="${body.url}" poster="${body.thumbnail_url}"`,
      `<track kind="captions" default src="${body.subtitles_url}">`,
    ]
  ) assert.ok(html.includes(tag), `${tag}\n${html}`);
  assert.doesNotMatch(html, /<script|<b>|onerror/);
  for (const secret of [generation.user.id, generation.user.email, generation.jobId, "lighthouse"]) {
    assert.ok(!html.includes(secret), secret);
  }
  const policy = headers.get("content-security-policy") ?? "";
  assert.match(policy, /^default-src 'none'; /);
  assert.doesNotMatch(policy, /script-src|unsafe|\*/);
  assert.deepEqual(
    ["cache-control", "referrer-policy", "x-robots-tag", "x-content-type-options"].map((name) => headers.get(name)),
    ["no-store", "no-referrer", "noindex", "nosniff"],
  );
});

Deno.test("a page without a title does not say the prompt instead", async () => {
  const html = await (await open(`${await linkTo(world, await deliver(world))}/page`)).text();
  assert.match(html, /<title>Video<\/title>/);
  assert.doesNotMatch(html, /lighthouse|og:image|poster/);
});

Deno.test("subtitles that are in the picture are offered as a track that is off, so that nobody sees them twice", async () => {
  const generation = await deliver(world);
  await addFiles(world, generation);
  const url = await linkTo(world, generation);
  const change = (burn_in: boolean | string, skipped: string[]) =>
    world.sql`
      update video_jobs set settings = settings || ${world.sql.json({ burn_in })}, skipped_extras = ${skipped}
      where job_id = ${generation.jobId}`;
  const track = async () => {
    const html = await (await open(`${url}/page`)).text();
    return [/<track .*?>/.exec(html)?.[0].includes(" default "), html.includes(`src="${url}/subtitles"`)];
  };
  await change(true, ["music"]);
  assert.deepEqual(await track(), [false, true]);
  await change(true, ["subtitles"]);
  assert.deepEqual(await track(), [true, true], "they were to be drawn, and could not be");
  for (const other of [false, "of an earlier system"]) {
    await change(other, []);
    assert.deepEqual(await track(), [true, true]);
  }
});

Deno.test("who opens the page of a link that does not work reads so, in their language", async () => {
  const url = await linkTo(world, await deliver(world));
  const unknown = `${url.slice(0, -1)}${url.endsWith("A") ? "B" : "A"}`;
  for (const address of [unknown, url.slice(0, -1), `${url}x`]) await assertGonePage(`${address}/page`);
  const html = await (await open(`${unknown}/page`, { headers: { "Accept-Language": "es" } })).text();
  assert.ok(html.includes(`<html lang="es">`) && html.includes("Este enlace ya no funciona"), html);
  await assertRefuses(`${unknown}/page/more`, { status: 404, code: "not_found" });
});

Deno.test("a guessed link, an altered one and a path below one are the same 404", async () => {
  const url = await linkTo(world, await deliver(world));
  const wrong = [
    url.slice(0, -32),
    url.slice(0, -1),
    `${url}x`,
    `${url.slice(0, -1)}${url.endsWith("A") ? "B" : "A"}`,
    `${url}/video/more`,
    `${url}/prompt`,
    url.replace(/share\/.*/, `share/${"%00".repeat(32)}`),
  ];
  await assertChangesNothing(world, async () => {
    for (const address of wrong) await assertRefuses(address, { status: 404, code: "not_found" });
  });
  const posted = await open(url, { method: "POST" });
  assert.equal(posted.status, 405);
  await posted.body?.cancel();
});

Deno.test("a link that many people open costs one call to Storage, and each opening one to the database", async () => {
  const url = await linkTo(world, await deliver(world));
  world.gateway.clearCalls();
  for (let count = 0; count < 5; count++) await target(url);
  const calls = (prefix: string) => world.gateway.calls.filter(({ path }) => path.startsWith(prefix)).length;
  assert.deepEqual([calls(SIGN), calls("/rest/v1/rpc/read_share")], [1, 5]);
});

/** Opens a link until it is refused, from this address, and with these headers at each opening. */
async function openUntilRefused(url: string, caller: string, headers: (count: number) => HeadersInit = () => ({})) {
  // Two windows of a minute, in case one ends meanwhile.
  for (let count = 0; count < 130; count++) {
    const answers = await Promise.all(
      Array.from(
        { length: 10 },
        (_, at) => open(url, { headers: { "CF-Connecting-IP": caller, ...headers(count * 10 + at) } }),
      ),
    );
    const refused = answers.find(({ status }) => status === 429);
    for (const answer of answers) if (answer !== refused) await answer.body?.cancel();
    if (refused !== undefined) return refused;
  }
  throw new Error("never refused");
}

Deno.test("who opens a link too often is refused whatever else they send; others, and other links, go on", async () => {
  const [url, other] = [await linkTo(world, await deliver(world)), await linkTo(world, await deliver(world))];
  const caller = { "CF-Connecting-IP": "203.0.113.9" };
  const refused = await openUntilRefused(url, caller["CF-Connecting-IP"], (count) => ({
    "X-Forwarded-For": `10.0.${count >> 8}.${count & 255}`,
    "User-Agent": String(count),
  }));
  const { headers } = refused;
  assertRefusal({ status: 429, headers, body: await refused.json() }, {
    status: 429,
    code: "too_many_requests",
    fields: { limit: 600 },
  });
  assert.ok(Number(headers.get("retry-after")) <= 60);
  for (const headers of [{ "CF-Connecting-IP": "203.0.113.10" }, {}]) {
    const response = await open(url, { headers });
    await response.body?.cancel();
    assert.equal(response.status, 302);
  }
  const response = await open(other, { headers: caller });
  await response.body?.cancel();
  assert.equal(response.status, 302);
});

Deno.test("while Storage does not sign, a link is 503, and it works again afterwards", async () => {
  const url = await linkTo(world, await deliver(world));
  world.gateway.fail(SIGN, 500);
  const response = await open(url);
  await response.body?.cancel();
  assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "2"]);
  world.gateway.clearFaults();
  await download(url);
});

Deno.test("a video of which there is no copy yet is shared from its provider", async () => {
  const generation = await deliver(world);
  const url = await linkTo(world, generation);
  await world.sql`
    update video_jobs set video_path = null, video_url = 'https://provider.example/v.mp4' where job_id = ${generation.jobId}`;
  assert.equal(await target(`${url}?download=a`), "https://provider.example/v.mp4");
  const page = await open(`${url}/page`);
  assert.match(page.headers.get("content-security-policy") ?? "", /media-src 'self' \S+ https:\/\/provider\.example;/);
  await page.body?.cancel();
});

Deno.test("a client that reaches the stack by another name is sent to the same name", async () => {
  const url = (await linkTo(world, await deliver(world))).replace("127.0.0.1", "localhost");
  assert.ok((await target(url)).startsWith(`${world.url.replace("127.0.0.1", "localhost")}${SIGN}/`));
  const html = await (await open(`${url}/page`)).text();
  assert.ok(html.includes(`content="${url}"`) && !html.includes("127.0.0.1"), html);
});

/** The name under which a browser saves the file behind an address. */
async function savedAs(url: unknown): Promise<string | null> {
  const response = await fetch(String(url));
  await response.body?.cancel();
  assert.equal(response.status, 200);
  const [, name] = /^attachment; filename=.*; filename\*=UTF-8''(.*);$/.exec(
    response.headers.get("content-disposition") ?? "",
  ) ?? [];
  return name === undefined ? null : decodeURIComponent(name);
}

Deno.test("a link can be saved as a file of a name, and bears what social networks append to it", async () => {
  const generation = await deliver(world);
  const url = await linkTo(world, generation, { title: "Gün batımı" });
  assert.equal(await savedAs(url), null);
  assert.equal(await savedAs(`${url}?utm_source=x&utm_source=y&fbclid=1`), null);
  assert.equal(await savedAs(`${url}?download=1`), "Gün batımı.mp4");
  assert.equal(await savedAs(`${url}?download`), "Gün batımı.mp4");
  assert.equal(await savedAs(`${url}?download=my%20film.mp4&fbclid=1`), "my film.mp4");
  assert.equal(await savedAs(`${url}?download=..%2F%22a%22%0d%0a.exe`), "__a_ .exe.mp4");
  assert.equal(await savedAs(`${await linkTo(world, generation)}?download=1`), "video.mp4");
});

Deno.test("the owner's video can be saved as a file of a name too, and without the wish the answer is as before", async () => {
  const { user, jobId } = await deliver(world, { node_id: "scene-1" });
  const read = (query: string) => world.call(`get-video-status?${query}`, { method: "GET", user });
  assert.ok(!("download_url" in (await read(`job_id=${jobId}`)).body));
  const { body } = await read(`job_id=${jobId}&download=my%20film`);
  assert.equal(await savedAs(body.download_url), "my film.mp4");
  assert.equal(await savedAs(body.video_url), null);
  assert.equal(await savedAs((await read("node_id=scene-1&download=")).body.download_url), `video-${body.id}.mp4`);
  assertRefusal(await read(`job_id=${jobId}&download=${"x".repeat(256)}`), { status: 400, code: "validation_failed" });
  const running = await startGeneration(world);
  const waiting = await world.call(`get-video-status?job_id=${running.jobId}&download=a`, {
    method: "GET",
    user: running.user,
  });
  assert.equal(waiting.body.download_url, null);
});
