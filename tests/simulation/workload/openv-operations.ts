import { z } from "zod";
import { checkGeneration, type Key } from "../model/idempotency-key.ts";
import { refusalOf, type RequestVariant } from "../model/request.ts";
import { checkLeaving, type User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import { Violation } from "../runtime/violation.ts";
import { randomPromptWords } from "../faults/prompt-words.ts";
import type { World } from "../world/world.ts";
import type { Journal, Operation } from "./journal.ts";
import type { VideoOperations } from "./video-operations.ts";

const MODEL = "Wan 2.2 (your own)";
const PRICE = 5;

const INVALID: [code: "validation_failed" | "model_not_found", change: Record<string, unknown>][] = [
  ["validation_failed", { input: { positive_prompt: "A cat", num_frames: 34 } }],
  ["validation_failed", { input: { positive_prompt: "A cat", num_frames: 33, colour: "red" } }],
  ["validation_failed", { colour: "red" }],
  ["model_not_found", { modelName: "mochi" }],
];

const listedSchema = z.array(z.object({ jobId: z.string(), userId: z.string(), status: z.string() }));

/** What clients of OpenV do. Most send no key. */
export class OpenvOperations {
  constructor(
    private readonly world: World,
    private readonly operations: VideoOperations,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {}

  newKey(user: User, keyless = 0.7): Key {
    const key = this.operations.nextKey(user, keyless);
    this.addVariant(key);
    return key;
  }

  addVariant(key: Key): void {
    const prompt = `A cat, take ${key.name}-v${key.variants.length} ${randomPromptWords(this.random, "runpod")}`;
    const valid: RequestVariant = {
      body: { prompt, modelName: MODEL, frames: 33, input: { positive_prompt: prompt, num_frames: 33 } },
      refusal: null,
      expected: { kind: "generation", price: PRICE, extras: [], spare: [], subtitles: false },
      uploads: [],
    };
    if (this.random.chance(0.86)) key.variants.push(valid);
    else {
      const [code, change] = this.random.pick(INVALID);
      key.variants.push({ ...valid, body: { ...valid.body, ...change }, refusal: refusalOf(code) });
    }
  }

  create(user: User, key: Key, variant: RequestVariant): Operation {
    return this.operations.send(user, key, variant, ["openv", "/api/runpod"], (answer, done) => {
      if (answer.status === 200) this.operations.countRepeat(key, answer.replayed, done);
      const body = answer.status === 200 ? { ...answer.body, job_id: answer.body.jobId } : answer.body;
      // The video that the key answers for was deleted.
      if (answer.code === "job_not_found" && key.jobs.some(({ jobId }) => this.operations.mayBeEnded(jobId))) return;
      this.operations.noteJob(user, checkGeneration(key, variant, { ...answer, body }, done), variant, done);
    });
  }

  /** The page is opened, or polls for what has changed. */
  list(user: User): Operation {
    const query = this.random.chance(0.5) ? "" : `?updatedSince=${this.world.clock.now() - 20_000}`;
    return this.journal.operation(`openv list of u${user.index}`, async (moment) => {
      const answer = await this.world.endpoints.call("openv", {
        method: "GET",
        path: `/api/videos${query}`,
        userId: user.id,
      });
      const done = moment();
      if (checkLeaving(user, true, answer.code, done)) return;
      if (answer.status >= 500 && done.disturbed) return;
      for (const { jobId, userId } of listedSchema.parse(answer.body.list)) {
        const known = this.operations.find(jobId);
        if (userId !== user.id || (known !== undefined && known.user !== user)) {
          throw new Violation(`u${user.index} was shown ${jobId} of another user`);
        }
        if (known !== undefined && known.history.goneSince < done.started) {
          throw new Violation(`${jobId} was deleted and is listed again`);
        }
      }
    });
  }
}
