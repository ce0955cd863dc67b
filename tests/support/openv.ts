import assert from "node:assert/strict";
import { z } from "zod";
import type { Answer, TestUser, World } from "./harness.ts";

export const WAN = "Wan 2.2 (your own)";
export const PRICE = 5;
export const BODY = {
  prompt: "A cat in the rain",
  modelName: WAN,
  frames: 81,
  input: { positive_prompt: "A cat in the rain", num_frames: 81 },
};

/** `POST openv/api/runpod`. */
export function create(
  world: World,
  user: TestUser,
  body: unknown = BODY,
  headers: HeadersInit = {},
): Promise<Answer> {
  return world.call("openv/api/runpod", { user, body, headers });
}

/** `GET openv/api/videos`, which must succeed, and the query by which its header leads to further videos. */
export async function list(
  world: World,
  user: TestUser,
  query = "",
): Promise<{ videos: Record<string, unknown>[]; link: string | null }> {
  const response = await fetch(`${world.url}/functions/v1/openv/api/videos${query}`, {
    headers: { Authorization: `Bearer ${user.token}` },
  });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return {
    videos: z.array(z.record(z.string(), z.unknown())).parse(body),
    link: /^<(\?.*)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1] ?? null,
  };
}
