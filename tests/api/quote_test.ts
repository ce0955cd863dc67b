// The price before a request, as an app's Supabase client reads it.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { KLING, SORA, useWorld } from "../support/harness.ts";

const world = useWorld();

async function quote(settings: Record<string, unknown>, model: string = KLING) {
  const client = createClient(world.url, world.publishableKey, { auth: { persistSession: false } });
  return await client.rpc("quote_generation", { p_model_id: model, p_settings: settings });
}

Deno.test("a quote has the model, its credits and its settings", async () => {
  const { data, error } = await quote({ duration: 8 });
  assert.equal(error, null);
  assert.deepEqual([data.model_id, data.credits, data.settings.duration], [KLING, 8, 8]);
});

for (const model of [SORA, crypto.randomUUID()]) {
  Deno.test(`a model that cannot be had is an error to supabase-js, 404: ${model === SORA ? "off" : "unknown"}`, async () => {
    const { data, error, status } = await quote({}, model);
    assert.equal(data, null);
    assert.deepEqual([status, error?.code, error?.message], [404, "model_not_found", "Model not found"]);
  });
}

Deno.test("settings that do not fit are an error to supabase-js, 400, whose details are the issues", async () => {
  const { data, error, status } = await quote({ duration: 99, steps: 5 });
  assert.equal(data, null);
  assert.deepEqual([status, error?.code], [400, "validation_failed"]);
  const { issues } = JSON.parse(error?.details ?? "");
  assert.deepEqual(issues.map(({ path }: { path: string }) => path), ["settings.steps", "settings.duration"]);
  assert.match(issues[1].message, /^must be one of: 3, 4, /);
});
