import assert from "node:assert/strict";
import type { Answer, TestUser, World } from "./harness.ts";
import type { Issuer } from "./issuer.ts";

/** A subject as Clerk gives it. */
export const newSubject = (): string => `user_${crypto.randomUUID().replaceAll("-", "")}`;

/** `GET account` with a token: the first request of most apps. */
export const readAccount = (world: World, token: string): Promise<Answer> =>
  world.call("account", { method: "GET", headers: { Authorization: `Bearer ${token}` } });

/** A user of the other provider, who has called once and has these credits. */
export async function newIdentity(
  world: World,
  issuer: Issuer,
  credits = 100,
): Promise<TestUser & { subject: string }> {
  const subject = newSubject();
  const token = await issuer.token(subject);
  const { status, body } = await readAccount(world, token);
  assert.equal(status, 200);
  const id = String(body.user_id);
  if (credits > 0) await world.sql`select add_credits(${id}, ${credits}, 'test')`;
  return { id, email: "", token, subject };
}

/** What the Data API answers to a token. */
export async function callDataApi(
  world: World,
  token: string,
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${world.url}/rest/v1/${path}`, {
    ...init,
    headers: { apikey: world.publishableKey, Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
  });
  return { status: response.status, body: await response.json() };
}
