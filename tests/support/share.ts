// Links to finished videos, as tests make, open and revoke them.
import assert from "node:assert/strict";
import { finishRun, type Generation, startGeneration } from "./generation.ts";
import type { Answer, TestUser, World } from "./harness.ts";
import { assertRefusal } from "./refusal.ts";

/** Where Storage signs addresses of videos. */
export const SIGN = "/storage/v1/object/sign/videos";

/** A finished video. The world's runs end only when a test ends them. */
export async function deliver(world: World, body: Record<string, unknown> = {}, user?: TestUser): Promise<Generation> {
  const generation = await startGeneration(world, { body, user: user ?? await world.newUser(20) });
  finishRun(world, generation);
  assert.equal((await generation.outcome()).body.status, "completed");
  return generation;
}

/** Gives a delivered video a thumbnail and subtitles, as if steps had made them. */
export async function addFiles(world: World, { jobId, user }: Generation): Promise<void> {
  const base = `${user.id}/${jobId}`;
  const files = [["_thumb.jpg", "image/jpeg", "picture"], [".vtt", "text/vtt", "WEBVTT\n"]] as const;
  for (const [name, type, text] of files) {
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

/** A video and its owner. */
export type Video = Pick<Generation, "jobId" | "user">;

export const share = (world: World, { jobId, user }: Video, body?: unknown): Promise<Answer> =>
  world.call(`videos/${jobId}/share`, { user, body });

export const revoke = (world: World, { jobId, user }: Video, query = ""): Promise<Answer> =>
  world.call(`videos/${jobId}/share${query}`, { method: "DELETE", user });

/** The address of a new link. */
export async function linkTo(world: World, video: Video, body?: unknown): Promise<string> {
  const answer = await share(world, video, body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return String(answer.body.url);
}

/** Opens an address without any credentials and without following it. */
export const open = (url: unknown, init: RequestInit = {}): Promise<Response> =>
  fetch(String(url), { ...init, redirect: "manual" });

/** Where an address redirects to. */
export async function target(url: unknown): Promise<string> {
  const response = await open(url);
  await response.body?.cancel();
  assert.equal(response.status, 302);
  return response.headers.get("location") ?? "";
}

/** Fails unless an address answers this error. */
export async function assertRefuses(url: string, refusal: Parameters<typeof assertRefusal>[1]): Promise<void> {
  const response = await open(url);
  assertRefusal({ status: response.status, headers: response.headers, body: await response.json() }, refusal);
}

/** Fails unless an address answers the page of a link that is gone. */
export async function assertGonePage(url: string): Promise<void> {
  const { status, headers, html } = await open(url).then(async (answer) => ({
    status: answer.status,
    headers: answer.headers,
    html: await answer.text(),
  }));
  assert.deepEqual([status, headers.get("content-type")], [404, "text/html; charset=utf-8"]);
  assert.match(html, /<p>This link no longer works<\/p>/);
  assert.match(headers.get("content-security-policy") ?? "", /^default-src 'none'; /);
  assert.deepEqual(
    ["cache-control", "referrer-policy", "x-robots-tag", "x-content-type-options"].map((name) => headers.get(name)),
    ["no-store", "no-referrer", "noindex", "nosniff"],
  );
}

/** Fails unless a link and everything below it is 404: its page in words for people. */
export async function assertGone(url: string): Promise<void> {
  for (const part of ["", "/thumbnail", "/subtitles"]) {
    await assertRefuses(`${url}${part}`, { status: 404, code: "not_found" });
  }
  await assertGonePage(`${url}/page`);
}
