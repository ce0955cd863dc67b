// Links to finished videos: who has one sees the video, until it is revoked, expires or its video is gone.
import assert from "node:assert/strict";
import { download, ENDLESS, finishRun, type Generation, startGeneration } from "../support/generation.ts";
import { type Answer, type TestUser, useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: ENDLESS });

Deno.test.beforeEach(() => world.gateway.clearFaults());

const NOT_FOUND = { status: 404, code: "not_found" } as const;
const JOB_NOT_FOUND = { status: 404, code: "job_not_found" } as const;
const SIGN = "/storage/v1/object/sign/videos";

async function deliver(body: Record<string, unknown> = {}, user?: TestUser): Promise<Generation> {
  const generation = await startGeneration(world, { body, user: user ?? await world.newUser(20) });
  finishRun(world, generation);
  assert.equal((await generation.outcome()).body.status, "completed");
  return generation;
}

/** Gives a delivered video a thumbnail and subtitles, as if steps had made them. */
async function addFiles({ jobId, user }: Generation): Promise<void> {
  const base = `${user.id}/${jobId}`;
  for (
    const [name, type, text] of [["_thumb.jpg", "image/jpeg", "picture"], [".vtt", "text/vtt", "WEBVTT\n"]] as const
  ) {
    const response = await fetch(`${world.url}/storage/v1/object/videos/${base}${name}`, {
      method: "POST",
      headers: { apikey: world.secretKey, Authorization: `Bearer ${world.secretKey}`, "Content-Type": type },
      body: text,
    });
    assert.equal(response.status, 200, await response.text());
  }
  await world.sql`
    update video_jobs set thumbnail_path = ${`${base}_thumb.jpg`}, subtitles_path = ${`${base}.vtt`}
    where job_id = ${jobId}`;
}

const share = ({ jobId, user }: Generation, body?: unknown): Promise<Answer> =>
  world.call(`videos/${jobId}/share`, { user, body });
const revoke = ({ jobId, user }: Generation, query = ""): Promise<Answer> =>
  world.call(`videos/${jobId}/share${query}`, { method: "DELETE", user });

async function shared(generation: Generation, body?: unknown): Promise<string> {
  const answer = await share(generation, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return String(answer.body.url);
}

/** Opens an address without any credentials and without following it. */
const open = (url: unknown, init: RequestInit = {}) => fetch(String(url), { ...init, redirect: "manual" });

/** Where an address redirects to. */
async function target(url: unknown): Promise<string> {
  const response = await open(url);
  await response.body?.cancel();
  assert.equal(response.status, 302);
  return response.headers.get("location") ?? "";
}

async function assertGone(url: string): Promise<void> {
  for (const part of ["", "/thumbnail", "/subtitles", "/page"]) {
    const response = await open(`${url}${part}`);
    const body = await response.json();
    assertRefusal({ status: response.status, headers: response.headers, body }, NOT_FOUND);
  }
}

Deno.test("a link redirects anyone to the video, and a request for its headers too", async () => {
  const generation = await deliver();
  const { status, body } = await share(generation);
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
  const generation = await deliver();
  await assert.rejects(target(`${await shared(generation)}/thumbnail`));
  await addFiles(generation);
  const { body } = await share(generation);
  assert.equal(new TextDecoder().decode(await download(body.thumbnail_url)), "picture");
  assert.equal(new TextDecoder().decode(await download(body.subtitles_url)), "WEBVTT\n");
});

Deno.test("the page previews the video, runs no script and shows nothing of its owner", async () => {
  const generation = await deliver({ settings: { duration: 5, aspect_ratio: "9:16" } });
  await addFiles(generation);
  const { body } = await share(generation, { title: " \"><script>alert(1)</script><b>' & Co " });
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
      `src="${body.subtitles_url}"`,
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
  const html = await (await open(`${await shared(await deliver())}/page`)).text();
  assert.match(html, /<title>Video<\/title>/);
  assert.doesNotMatch(html, /lighthouse|og:image|poster/);
});

Deno.test("a revoked link is 404 at once, and others of the video work until they are revoked too", async () => {
  const generation = await deliver();
  await addFiles(generation);
  const [first, second] = [await share(generation), await share(generation)];
  await download(first.body.url);
  assert.notEqual(first.body.url, second.body.url);
  const one = await revoke(generation, `?share_id=${first.body.share_id}`);
  assert.deepEqual([one.status, one.body], [200, { job_id: generation.jobId, revoked: 1 }]);
  await assertGone(String(first.body.url));
  await download(second.body.url);
  assert.equal((await revoke(generation)).body.revoked, 1);
  await assertGone(String(second.body.url));
  assert.equal((await revoke(generation)).body.revoked, 0);
  await download(await shared(generation));
});

Deno.test("an expired link is 404, and no signed URL that it gave works longer than it", async () => {
  const generation = await deliver();
  const { body } = await share(generation, { expires_in_seconds: 120 });
  assert.match(String(body.expires_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const token = new URL(await target(body.url)).searchParams.get("token") ?? "";
  const { iat, exp } = JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
  assert.ok(exp - iat <= 120 && exp - iat > 100, `${exp - iat} seconds`);
  await world.travel(118);
  await target(body.url);
  await world.travel(2);
  await assertGone(String(body.url));
});

Deno.test("the link of a deleted video is 404", async () => {
  const generation = await deliver();
  const url = await shared(generation);
  await world.call("videos", { method: "DELETE", user: generation.user, body: { job_ids: [generation.jobId] } });
  await assertGone(url);
  assertRefusal(await share(generation), JOB_NOT_FOUND);
});

Deno.test("the link of a deleted account is 404, and its user makes no other", async () => {
  const generation = await deliver();
  const url = await shared(generation);
  assert.equal((await world.call("account", { method: "DELETE", user: generation.user })).status, 200);
  await assertGone(url);
  for (const answer of [await share(generation), await revoke(generation)]) {
    assertRefusal(answer, { status: 401, code: "unauthorized" });
  }
});

Deno.test("only a finished video can be shared: a job that runs or was refunded is 409", async () => {
  const running = await startGeneration(world);
  assertRefusal(await share(running), {
    status: 409,
    code: "not_shareable",
    fields: { job_id: running.jobId, status: "processing" },
  });
  await world.call(`videos/${running.jobId}/cancel`, { user: running.user });
  assertRefusal(await share(running), { status: 409, code: "not_shareable", fields: { status: "failed" } });
});

Deno.test("another user's video can be neither shared nor revoked, and without a token nothing can", async () => {
  const generation = await deliver();
  const url = await shared(generation);
  const stranger = { ...generation, user: await world.newUser() };
  const { jobId } = generation;
  const answers = await assertChangesNothing(world, async () => [
    await share(stranger),
    await revoke(stranger),
    await share({ ...stranger, jobId: crypto.randomUUID() }),
    await share({ ...stranger, jobId: "no-uuid" }),
  ]);
  for (const answer of answers) assertRefusal(answer, JOB_NOT_FOUND);
  for (const method of ["POST", "DELETE"]) {
    const answer = await assertChangesNothing(world, () => world.call(`videos/${jobId}/share`, { method }));
    assertRefusal(answer, { status: 401, code: "unauthorized" });
  }
  await download(url);
});

Deno.test("a guessed link, an altered one and a path below one are the same 404", async () => {
  const url = await shared(await deliver());
  const answers = await assertChangesNothing(world, () =>
    Promise.all(
      [
        url.slice(0, -32),
        url.slice(0, -1),
        `${url}x`,
        `${url.slice(0, -1)}${url.endsWith("A") ? "B" : "A"}`,
        `${url}/video/more`,
        `${url}/prompt`,
        url.replace(/share\/.*/, `share/${"%00".repeat(32)}`),
      ].map(async (address) => {
        const response = await open(address);
        return { status: response.status, headers: response.headers, body: await response.json() };
      }),
    ));
  for (const answer of answers) assertRefusal(answer, NOT_FOUND);
  const posted = await open(url, { method: "POST" });
  assert.equal(posted.status, 405);
  await posted.body?.cancel();
});

Deno.test("what is wrong with a request for a link is named", async () => {
  const generation = await deliver();
  const wrong: [body: unknown, path: string][] = [
    [{ expires_in_seconds: 59 }, "expires_in_seconds"],
    [{ expires_in_seconds: 31_536_001 }, "expires_in_seconds"],
    [{ expires_in_seconds: 60.5 }, "expires_in_seconds"],
    [{ expires_in_seconds: "60" }, "expires_in_seconds"],
    [{ title: " " }, "title"],
    [{ title: "x".repeat(201) }, "title"],
    [{ title: "\0" }, "title"],
    [{ password: "x" }, "password"],
  ];
  for (const [body, path] of wrong) {
    const answer = await assertChangesNothing(world, () => share(generation, body));
    assertRefusal(answer, { status: 400, code: "validation_failed" });
    assert.equal(JSON.parse(JSON.stringify(answer.body.issues))[0].path, path);
  }
  assertRefusal(await revoke(generation, "?share_id=1"), { status: 400, code: "validation_failed" });
});

Deno.test("a video has a hundred links at most, however many are asked for at once", async () => {
  const generation = await deliver();
  await world.sql`
    select private.create_share(${generation.jobId}) from generate_series(1, 95)`;
  const answers = await Promise.all(Array.from({ length: 10 }, () => share(generation)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 5);
  const refused = answers.find(({ status }) => status !== 200);
  assert.ok(refused);
  assertRefusal(refused, { status: 409, code: "share_limit_reached", fields: { limit: 100 } });
});

Deno.test("a link that many people open costs one call to Storage, and each opening one to the database", async () => {
  const url = await shared(await deliver());
  world.gateway.clearCalls();
  for (let count = 0; count < 5; count++) await target(url);
  const calls = (prefix: string) => world.gateway.calls.filter(({ path }) => path.startsWith(prefix)).length;
  assert.deepEqual([calls(SIGN), calls("/rest/v1/rpc/read_share")], [1, 5]);
});

Deno.test("a link that is opened too often is 429 whatever headers the client sends, and others go on", async () => {
  const [url, other] = [await shared(await deliver()), await shared(await deliver())];
  let refused: Response | undefined;
  // Two windows of a minute, in case one ends meanwhile.
  for (let count = 0; count < 125 && refused === undefined; count++) {
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, at) => open(url, { headers: { "X-Forwarded-For": `10.0.${count}.${at}` } })),
    );
    refused = answers.find(({ status }) => status === 429);
    for (const answer of answers) if (answer !== refused) await answer.body?.cancel();
  }
  assert.ok(refused);
  const { headers } = refused;
  assertRefusal({ status: 429, headers, body: await refused.json() }, {
    status: 429,
    code: "too_many_requests",
    fields: { limit: 600 },
  });
  assert.ok(Number(headers.get("retry-after")) <= 60);
  await download(other);
});

Deno.test("while Storage does not sign, a link is 503, and it works again afterwards", async () => {
  const url = await shared(await deliver());
  world.gateway.fail(SIGN, 500);
  const response = await open(url);
  await response.body?.cancel();
  assert.deepEqual([response.status, response.headers.get("retry-after")], [503, "2"]);
  world.gateway.clearFaults();
  await download(url);
});

Deno.test("a video of which there is no copy yet is shared from its provider", async () => {
  const generation = await deliver();
  const url = await shared(generation);
  await world.sql`
    update video_jobs set video_path = null, video_url = 'https://provider.example/v.mp4' where job_id = ${generation.jobId}`;
  assert.equal(await target(`${url}?download=a`), "https://provider.example/v.mp4");
  const page = await open(`${url}/page`);
  assert.match(page.headers.get("content-security-policy") ?? "", /media-src 'self' \S+ https:\/\/provider\.example;/);
  await page.body?.cancel();
});

Deno.test("a client that reaches the stack by another name is sent to the same name", async () => {
  const url = (await shared(await deliver())).replace("127.0.0.1", "localhost");
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
  const generation = await deliver();
  const url = await shared(generation, { title: "Gün batımı" });
  assert.equal(await savedAs(url), null);
  assert.equal(await savedAs(`${url}?utm_source=x&utm_source=y&fbclid=1`), null);
  assert.equal(await savedAs(`${url}?download=1`), "Gün batımı.mp4");
  assert.equal(await savedAs(`${url}?download`), "Gün batımı.mp4");
  assert.equal(await savedAs(`${url}?download=my%20film.mp4&fbclid=1`), "my film.mp4");
  assert.equal(await savedAs(`${url}?download=..%2F%22a%22%0d%0a.exe`), "__a_ .exe.mp4");
  assert.equal(await savedAs(`${await shared(generation)}?download=1`), "video.mp4");
});

Deno.test("the owner's video can be saved as a file of a name too, and without the wish the answer is as before", async () => {
  const { user, jobId } = await deliver({ node_id: "scene-1" });
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
