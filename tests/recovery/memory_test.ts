// Videos stream from the provider to Storage; Storage is a process of its own, as in production.
import assert from "node:assert/strict";
import type { FunctionsRuntime } from "../../local/stack/functions-process.ts";
import { INSTANT, startGeneration } from "../support/generation.ts";
import { startWorld, until, type World } from "../support/harness.ts";

const MB = 1_000_000;
const BIG_MB = 200;
const ALLOWED_MB = 64;

async function deliver(world: World, fal?: string): Promise<unknown> {
  const generation = await startGeneration(world, fal === undefined ? {} : { fal });
  let job = (await generation.poll()).body;
  await until("the copy is made", async () => {
    job = (await generation.poll(0)).body;
    return job.status === "completed";
  });
  return job.video_url;
}

function peakMemory(world: World): number {
  const bytes = world.functions.peakMemory();
  assert.ok(bytes !== undefined, "this system does not report a process's memory");
  return bytes;
}

for (const functionsRuntime of ["2.9.6", "2.1.14"] satisfies FunctionsRuntime[]) {
  Deno.test({
    name: `under Deno ${functionsRuntime} the functions copy ${BIG_MB} MB in less than ${ALLOWED_MB} MB more memory`,
    // Only Linux reports a process's peak memory.
    ignore: Deno.build.os !== "linux",
    async fn() {
      const world = await startWorld({ falSimulator: INSTANT, functionsRuntime });
      try {
        await deliver(world);
        const before = peakMemory(world);
        const videoUrl = await deliver(world, `size=${BIG_MB}mb`);
        const more = (peakMemory(world) - before) / MB;
        assert.ok(more < ALLOWED_MB, `${more} MB more than ${before / MB} MB`);
        const stored = await fetch(String(videoUrl), { method: "HEAD" });
        assert.equal(stored.headers.get("content-length"), String(BIG_MB * MB));
      } finally {
        await world.stop();
      }
    },
  });
}
