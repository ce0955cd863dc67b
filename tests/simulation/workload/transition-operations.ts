import { z } from "zod";
import type { Answer } from "../world/endpoints.ts";
import type { Journal, Operation } from "./journal.ts";
import { type BatchKey, checkGeneration, isBound, type Key, keyHeader } from "../model/idempotency-key.ts";
import { checkLeaving, type User } from "../model/user.ts";
import type { Moment } from "../model/moment.ts";
import type { VideoOperations } from "./video-operations.ts";
import type { Random } from "../runtime/random.ts";
import { refusalOf, type RequestVariant } from "../model/request.ts";
import { newTransition } from "./transition-requests.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

const itemSchema = z.union([
  z.object({
    index: z.number(),
    task_id: z.string(),
    status: z.literal("pending"),
    credits_used: z.number(),
    credits_remaining: z.number(),
  }),
  z.object({ index: z.number(), task_id: z.null(), status: z.literal("failed"), code: z.string(), error: z.string() }),
]);
const batchSchema = z.object({ task_group_id: z.string(), tasks: z.array(itemSchema), total: z.number() });

const MOST_ITEMS = 20;

/** What clients do with transitions. Each transition is a job, alone or in a batch. */
export class TransitionOperations {
  constructor(
    private readonly world: World,
    private readonly operations: VideoOperations,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {}

  newKey(user: User, keyless = 0.2): Key {
    const key = this.operations.nextKey(user, keyless);
    this.addVariant(user, key);
    return key;
  }

  addVariant(user: User, key: Key): void {
    const asker = { keyName: key.name, number: key.variants.length, uploads: user.uploads };
    key.variants.push(newTransition(this.random, asker));
  }

  create(user: User, key: Key, variant: RequestVariant): Operation {
    return this.operations.send(user, key, variant, ["transitions", "/create-and-generate/"], (answer, done) => {
      this.#check(user, key, variant, answer, done);
    });
  }

  newBatch(user: User): BatchKey {
    const { text, name } = this.operations.nextKey(user, 0.2);
    const key: BatchKey = { text, variants: [], items: [], groupId: null, sent: 0, waiting: 0 };
    const count = this.random.weighted({ few: 10, one: 2, none: 0.3, many: 0.3 });
    const items = count === "one" ? 1 : count === "few" ? this.random.whole(2, 4) : 0;
    for (let index = 0; index < items; index++) {
      key.items.push({ ...this.operations.namedKey(`${name}i${index}`), text });
    }
    this.#addBatchVariant(user, key, count === "none" ? 0 : count === "many" ? MOST_ITEMS + 1 : null);
    return key;
  }

  /** A batch of several transitions without a key. */
  newKeylessBatch(user: User): BatchKey {
    const { name } = this.operations.nextKey(user, 1);
    const key: BatchKey = { text: null, variants: [], items: [], groupId: null, sent: 0, waiting: 0 };
    for (const index of [0, 1]) key.items.push({ ...this.operations.namedKey(`${name}i${index}`), text: null });
    this.#addBatchVariant(user, key, null);
    return key;
  }

  /** Another batch with the same number of transitions under the same key. */
  changeBatch(user: User, key: BatchKey): void {
    if (key.items.length > 0) this.#addBatchVariant(user, key, null);
  }

  batch(user: User, key: BatchKey, number: number): Operation {
    const sent = key.variants[number];
    if (sent === undefined) throw new Error("No such batch");
    return this.journal.operation(`batch ${key.items[0]?.name}-v${number} of ${key.items.length}`, async (moment) => {
      const order = ++key.sent;
      const isAlone = ++key.waiting === 1;
      const answer = await this.world.endpoints.call("transitions", {
        path: "/api/transitions/batch-create-and-generate/",
        userId: user.id,
        headers: keyHeader(key),
        body: JSON.stringify(sent.body),
      });
      const done = moment();
      key.waiting--;
      if (sent.refusal !== null) {
        if (answer.code !== sent.refusal.code) throw new Violation(`A batch was answered ${answer.code || "well"}`);
        return;
      }
      const isValid = key.items.some(({ variants }) => variants[number]?.refusal === null);
      if (checkLeaving(user, isValid, answer.code, done)) return;
      if (answer.status === 202 && isAlone && key.sent === order) this.#checkWhole(key, answer, done);
      if (answer.status === 202) this.#checkBatch(user, key, number, answer, done);
      else this.#checkRefusedBatch(key, number, answer, done);
    });
  }

  #addBatchVariant(user: User, key: BatchKey, malformed: number | null): void {
    const number = key.variants.length;
    for (const item of key.items) {
      item.variants.push(newTransition(this.random, { keyName: item.name, number, uploads: user.uploads }, false));
    }
    const one = newTransition(this.random, { keyName: "none", number, uploads: user.uploads }, false).body;
    const transitions = malformed === null
      ? key.items.map(({ variants }) => variants[number]?.body)
      : Array.from({ length: malformed }, () => one);
    const refusal = malformed === null ? null : refusalOf("validation_failed");
    key.variants.push({ body: { transitions }, refusal });
  }

  /** A batch is a repeat as a whole or not at all: its jobs are all old ones, or all new, but for those that ended. */
  #checkWhole(key: BatchKey, { body }: Answer, { started }: Moment): void {
    const { tasks } = batchSchema.parse(body);
    const repeated = key.items.flatMap((item, index) => {
      const last = item.jobs.at(-1);
      const task = tasks[index]?.task_id ?? null;
      if (last === undefined || last.knownAt >= started || task === null || item.mayBeEnded(last.jobId)) return [];
      return [last.jobId === task];
    });
    if (repeated.length < 2) return;
    if (new Set(repeated).size > 1) throw new Violation(`A batch was repeated half: ${JSON.stringify(tasks)}`);
    this.world.counts.add("batches", repeated[0] ? "repeated as a whole" : "new as a whole");
  }

  #checkBatch(user: User, key: BatchKey, number: number, answer: Answer, moment: Moment): void {
    const { task_group_id, tasks, total } = batchSchema.parse(answer.body);
    key.groupId ??= task_group_id;
    // Without a key it is made from the tasks, of which there may be more or others.
    if (key.groupId !== task_group_id && key.text !== null) throw new Violation("A batch changed its id");
    if (total !== key.items.length || tasks.map(({ index }) => index).join() !== [...key.items.keys()].join()) {
      throw new Violation(`A batch of ${key.items.length} was answered ${JSON.stringify(tasks)}`);
    }
    for (const [index, item] of key.items.entries()) {
      const task = tasks[index];
      const variant = item.variants[number];
      if (task === undefined || variant === undefined) continue;
      this.world.counts.add("batches", task.task_id === null ? `item ${task.code}` : "item started");
      if (task.task_id === null && user.leaving && task.code === "unauthorized") continue;
      const code = task.task_id === null ? task.code : "";
      this.#check(user, item, variant, {
        ...answer,
        status: task.task_id === null ? 400 : 202,
        code,
        body: { ...task },
      }, moment);
    }
  }

  /** No transition was accepted, and the answer says why the first was refused; or a fault ended the batch half way. */
  #checkRefusedBatch(key: BatchKey, number: number, answer: Answer, moment: Moment): void {
    if (moment.disturbed && answer.status >= 500) return;
    const [first] = key.items;
    const variant = first?.variants[number];
    if (first === undefined || variant === undefined) throw new Violation(`An empty batch was answered ${answer.code}`);
    checkGeneration(first, variant, { ...answer, replayed: false }, moment);
    // Two different batches with one key at the same time may each get some transitions, and both are refused as a reuse.
    if (answer.code === "idempotency_key_reused") return;
    for (const item of key.items) {
      const bound = item.jobs.find((one) => one.variant === first.variants[number] && one.knownAt < moment.started);
      if (bound !== undefined && isBound(item, bound, moment)) {
        throw new Violation(`${item.name} is bound to ${bound.jobId}, and its batch was answered ${answer.code}`);
      }
    }
  }

  /** Checks the answer to a transition by the rules of a generation. */
  #check(user: User, key: Key, variant: RequestVariant, answer: Answer, moment: Moment): void {
    const { message: _, task_id, index: __, ...rest } = answer.body;
    const generation = {
      status: answer.status === 202 ? 200 : answer.status,
      code: answer.code,
      body: answer.status === 202 ? { ...rest, job_id: task_id } : answer.body,
      replayed: answer.headers.has("x-idempotent-replay"),
    };
    if (generation.status === 200) this.operations.countRepeat(key, generation.replayed, moment);
    this.operations.noteJob(user, checkGeneration(key, variant, generation, moment), variant, moment);
  }
}
