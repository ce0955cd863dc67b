import type { SubmittedRequest } from "../../local/simulators/fal/simulator.ts";
import { type Generation, simulatorOf } from "./generation.ts";
import { type Answer, until, type World } from "./harness.ts";
import { ENDPOINTS } from "./transition.ts";

/** The pauses in which something really happens in the background: a submission, say, or a webhook. */
const MOST_PAUSES = 50;

/**
 * Lets the thumbnail of a delivered video be made or given up, as the worker does it. Time passes only where nothing
 * happens without it.
 */
export async function thumbnailEnded(world: World, jobId: unknown): Promise<void> {
  let pauses = 0;
  await until("the thumbnail has ended", async () => {
    const [work] = await world.sql`
      select provider_job_id, next_check_at <= private.clock() as is_due from private.thumbnail_work
      where job_id = ${String(jobId)}`;
    if (work === undefined) return true;
    const waits = work.provider_job_id !== null || pauses++ > MOST_PAUSES;
    if (!work.is_due && waits) await world.travel(5);
    if (work.is_due) await world.tick();
    return false;
  });
}

/** The job when it is delivered. */
export async function delivered(generation: Generation): Promise<Answer> {
  for (let count = 0; count < 20; count++) {
    const answer = await generation.poll(10);
    if (answer.body.status === "completed" || answer.body.status === "failed") return answer;
  }
  throw new Error("It does not end");
}

/** The requests for a frame. They have no prompt: clear the simulator before each test. */
export function framesOf(world: World): readonly Readonly<SubmittedRequest>[] {
  return simulatorOf(world).requests.filter(({ endpoint }) => endpoint === ENDPOINTS.frame);
}

/** Waits until the frame is asked for, and its run is known. */
export async function frameAskedFor(world: World): Promise<void> {
  await until("the frame is asked for", async () => {
    const known = await world.sql`select from private.thumbnail_work where provider_job_id is not null`;
    return known.length === 1;
  });
}

export async function openThumbnails(world: World): Promise<number> {
  return (await world.sql`select from private.thumbnail_work`).length;
}
