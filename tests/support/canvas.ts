import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { Answer, TestUser, World } from "./harness.ts";

/** An app's Supabase client; without a user that of a visitor. */
export function dataClient(
  { url, publishableKey }: Pick<World, "url" | "publishableKey">,
  user?: Pick<TestUser, "token">,
): SupabaseClient {
  return createClient(url, publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers: user ? { Authorization: `Bearer ${user.token}` } : {} },
  });
}

/** A project of one node, with a user of each role. */
export interface Canvas {
  owner: TestUser;
  editor: TestUser;
  viewer: TestUser;
  stranger: TestUser;
  projectId: string;
  nodeId: string;
  /** The node as its owner reads it. */
  node(): Promise<Record<string, unknown>>;
}

export async function newCanvas(world: World): Promise<Canvas> {
  const owner = await world.newUser(50);
  const [editor, viewer, stranger] = [await world.newUser(50), await world.newUser(50), await world.newUser(50)];
  const data = dataClient(world, owner);
  const projectId = crypto.randomUUID();
  const nodeId = crypto.randomUUID();
  for (
    const { error } of [
      await data.from("projects").insert({ id: projectId, name: "Waves" }),
      await data.from("project_members").insert([
        { project_id: projectId, user_id: editor.id, role: "editor" },
        { project_id: projectId, user_id: viewer.id, role: "viewer" },
      ]),
      await data.from("nodes").insert({ id: nodeId, project_id: projectId, type: "video", data: { title: "Waves" } }),
    ]
  ) assert.equal(error, null);
  return {
    owner,
    editor,
    viewer,
    stranger,
    projectId,
    nodeId,
    async node() {
      const { data: node } = await data.from("nodes").select("*").eq("id", nodeId).single();
      return node ?? {};
    },
  };
}

/** The canvas's request for a node. */
export function generateForNode(
  world: World,
  user: TestUser | undefined,
  nodeId: string,
  body: Record<string, unknown> = {},
  headers: HeadersInit = {},
): Promise<Answer> {
  return world.call("canvas/api/ai/generate-video", {
    user,
    headers,
    body: { node_id: nodeId, prompt: `Waves ${crypto.randomUUID()}`, duration: 4, ...body },
  });
}

export function readCanvas(world: World, user: TestUser | undefined, path: string): Promise<Answer> {
  return world.call(`canvas/api/ai/${path}`, { method: "GET", user });
}
