import { AccountOperations } from "./workload/account-operations.ts";
import { KeyedRequests } from "./workload/keyed-requests.ts";
import { ServiceOperations } from "./workload/service-operations.ts";
import { checkDeadlines, checkGone, checkMoney, purchases } from "./checks/invariants.ts";
import { WorkloadGenerator } from "./workload/generator.ts";
import { checkFiles } from "./checks/files.ts";
import { Journal, type Operation } from "./workload/journal.ts";
import { VideoOperations } from "./workload/video-operations.ts";
import { withTimeLimit } from "./runtime/time-limit.ts";
import { falReporter } from "./faults/webhooks.ts";
import { Process, type Rest } from "./runtime/process.ts";
import { Random } from "./runtime/random.ts";
import { runToQuiescence } from "./checks/quiescence.ts";
import { TransitionOperations } from "./workload/transition-operations.ts";
import { checkUploads } from "./checks/uploads.ts";
import { UploadOperations } from "./workload/upload-operations.ts";
import { Violation } from "./runtime/violation.ts";
import { OutageSchedule } from "./faults/outages.ts";
import type { World } from "./world/world.ts";

/** Something under way: it runs on until it rests. */
interface Doing {
  text: string;
  process: Process;
  work: Promise<void>;
  begun: number;
}

const LOG_LENGTH = 60;
const MOST_STALLED = 10;
const CHECK_EVERY = 1000;
/** A copy's (see `app_settings`). No hosted worker lives much longer, 400 s; on a laptop one may sleep with it. */
const LONGEST_LEASE_MS = 300_000;

/** Drives one world: the only place where anything is begun and where time moves. */
export class Simulation {
  /** What was done last, for whoever reads a failure. */
  readonly log: string[] = [];
  done = 0;
  #hash = 0;
  readonly #operations: VideoOperations;
  readonly #accounts: AccountOperations;
  readonly #services: ServiceOperations;
  readonly #generator: WorkloadGenerator;
  readonly #outages: OutageSchedule;
  #stalled: Doing[] = [];
  #failure: unknown;

  constructor(private readonly world: World, private readonly random: Random) {
    const journal = new Journal(world.clock);
    this.#operations = new VideoOperations(world, random.fork(), journal);
    this.#accounts = new AccountOperations(world, journal);
    this.#services = new ServiceOperations(world, this.#operations, journal);
    const transitions = new TransitionOperations(world, this.#operations, random.fork(), journal);
    this.#generator = new WorkloadGenerator(
      world,
      this.#operations,
      new KeyedRequests(this.#operations, transitions, random.fork()),
      this.#accounts,
      new UploadOperations(world, random.fork(), journal),
      this.#services,
      random.fork(),
    );
    this.#outages = new OutageSchedule(world, random.fork());
    world.fal.onAccepted = async (accepted) => {
      const run = falReporter(accepted);
      if (run === null) return;
      const doing = this.#begin(this.#services.deliver({ run, kind: "before the answer", due: 0, tries: 9 }));
      // Thrown here it would look like a fault of the network to the submission that waits.
      await this.#finish(doing).catch((error: unknown) => this.#failure ??= error);
    };
  }

  /** Does so many operations, then lets everything come to rest. Throws `Violation`. */
  async run(count: number, progress: (done: number) => void = () => {}): Promise<void> {
    let nextCheck = CHECK_EVERY;
    while (this.done < count) {
      await this.#step();
      if (this.#failure !== undefined) throw this.#failure;
      if (this.world.fal.badInput !== null) throw new Violation(this.world.fal.badInput);
      if (this.done < nextCheck) continue;
      nextCheck += CHECK_EVERY;
      await checkMoney(this.world);
      await checkFiles(this.world);
      await checkUploads(this.world);
      await checkGone(this.world, this.#accounts.leaving);
      this.#accounts.checkAbandoned();
      await this.world.tidy();
      progress(this.done);
    }
    await this.#settle();
  }

  async #step(): Promise<void> {
    const outage = this.#outages.turn(this.done);
    if (outage !== null) this.#note(outage);
    switch (this.random.weighted({ one: 76, several: 3, time: 18, wake: 1.5, rotate: 0.1 })) {
      case "one":
        return await this.#one();
      case "several":
        return await this.#several();
      case "time":
        return await this.#pass(this.#pause());
      case "wake":
        return await this.#wake();
      case "rotate":
        return await this.world.fal.rotateKeys(this.random.chance(0.5));
    }
  }

  async #one(): Promise<void> {
    const operation = this.#generator.one();
    const doing = this.#begin(operation);
    const rest = await this.#finish(doing);
    const undisturbed = rest === "done" && !doing.process.disturbed;
    if (operation.text === "advance" && undisturbed) await checkDeadlines(this.world);
  }

  async #several(): Promise<void> {
    const operations = this.#generator.several();
    const shared = this.random.chance(0.3) ? new Process(this.random.fork(), true) : undefined;
    const begun = operations.map((operation) => this.#begin(operation, shared));
    await this.#finishAll(begun);
  }

  #begin(operation: Operation, process = new Process(this.random.fork(), this.world.faults.enabled)): Doing {
    this.done++;
    const work = process.run(operation.run);
    // A failure is seen by whoever waits for it, also when it comes while nobody does.
    work.catch(() => {});
    return { text: operation.text, process, work, begun: this.world.clock.now() };
  }

  #finish(doing: Doing): Promise<Rest> {
    return this.#conclude(doing, this.#rest(doing));
  }

  async #finishAll(doings: readonly Doing[]): Promise<void> {
    const rests = doings.map((doing) => this.#rest(doing));
    await Promise.allSettled(rests);
    for (const [index, doing] of doings.entries()) await this.#conclude(doing, rests[index]);
  }

  #rest(doing: Doing): Promise<Rest> {
    return withTimeLimit(doing.process.rest(doing.work));
  }

  /** Notes how it came to rest, and throws what it threw. */
  async #conclude(doing: Doing, resting: Promise<Rest> | undefined): Promise<Rest> {
    const rest = (await resting?.catch((error: unknown) => {
      this.#note(`${doing.text}: FAILED (${doing.process.trace.join(", ")})`);
      throw error;
    })) ?? "done";
    this.#note(`${doing.text}: ${rest} (${doing.process.trace.splice(0).join(", ")})`);
    if (rest === "stalled") this.#stalled.push(doing);
    return rest;
  }

  /** Lets one that has stalled go on: a zombie, whose lease may be somebody else's by now. Or it is killed at last. */
  async #wake(): Promise<void> {
    const chosen = this.random.maybe(this.#stalled);
    if (chosen === undefined) return;
    const { process, begun } = chosen;
    const doings = this.#takeStalled(process);
    this.world.counts.add("operations", "wake");
    // What it may still write nobody looks for behind it any more: whoever wakes that late must get to clean up.
    if (this.world.clock.now() - begun > LONGEST_LEASE_MS) process.maySuffer = false;
    if (this.random.chance(0.1)) process.kill();
    else process.wake();
    await this.#finishAll(doings);
  }

  /** All that a stalled process has under way: it goes on together. */
  #takeStalled(process: Process): Doing[] {
    const doings = this.#stalled.filter((doing) => doing.process === process);
    this.#stalled = this.#stalled.filter((doing) => doing.process !== process);
    return doings;
  }

  #pause(): number {
    const [oldest] = this.#stalled;
    if (oldest !== undefined && this.#stalled.length > MOST_STALLED) this.#takeStalled(oldest.process);
    switch (this.random.weighted({ short: 60, medium: 30, grace: 7, long: 1.5, day: 0.15 })) {
      case "short":
        return this.random.between(200, 5_000);
      case "medium":
        return this.random.between(5_000, 60_000);
      case "grace":
        return this.random.between(60_000, 400_000);
      case "long":
        return this.random.between(600_000, 2_400_000);
      case "day":
        return this.random.between(24 * 3_600_000, 26 * 3_600_000);
    }
  }

  async #pass(milliseconds: number): Promise<void> {
    await this.world.clock.advance(milliseconds);
    this.world.fal.simulation.timeline.advance();
    this.#note(`${(milliseconds / 1000).toFixed(1)} s pass`);
  }

  /** Everything works again, and the worker ticks until nothing is open or owed. */
  async #settle(): Promise<void> {
    this.#outages.clear();
    this.world.faults.enabled = false;
    while (this.#stalled.length > 0) await this.#wakeAll();
    await runToQuiescence(this.world, {
      pass: (milliseconds) => this.#pass(milliseconds),
      tick: () => this.#finishWhatever(this.#services.tick()),
      purge: () => this.#finishWhatever(this.#services.tick("purge")),
      sync: (user) => this.#finishWhatever(this.#operations.sync(user)),
      erase: (user) => this.#finishWhatever(this.#accounts.erase(user, true)),
    }, this.#accounts.leaving);
    this.#accounts.checkAbandoned();
    this.#accounts.checkOwed();
    this.#services.checkPurchases(await purchases(this.world));
  }

  async #finishWhatever(operation: Operation): Promise<void> {
    await this.#finish(this.#begin(operation));
    // Only a download that falls silent still stalls.
    while (this.#stalled.length > 0) await this.#wakeAll();
  }

  async #wakeAll(): Promise<void> {
    for (const process of new Set(this.#stalled.map((doing) => doing.process))) {
      process.wake();
      await this.#finishAll(this.#takeStalled(process));
    }
  }

  #note(line: string): void {
    this.log.push(`#${this.done} ${new Date(this.world.clock.now()).toISOString().slice(5, 19)} ${line}`);
    if (this.log.length > LOG_LENGTH) this.log.shift();
    for (const letter of line) {
      this.#hash = (Math.imul(this.#hash, 31) + letter.charCodeAt(0)) >>> 0;
    }
  }

  get fingerprint(): string {
    return this.#hash.toString(16).padStart(8, "0");
  }
}
