// The random world, from top to bottom: `workload` draws what users and services do, `checks` says what must hold, `world` is
// the simulated platform, `faults` says what goes wrong, `model` what each answer must be, `runtime` is clock and chance.
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
import { CanvasOperations } from "./workload/canvas-operations.ts";
import { CanvasWorkload } from "./workload/canvas-workload.ts";
import { ImportOperations } from "./workload/import-operations.ts";
import { GraphOperations } from "./workload/graph-operations.ts";
import { checkCanvasSizes } from "./checks/canvas-sizes.ts";
import { checkNodes } from "./checks/nodes.ts";
import { OpenvOperations } from "./workload/openv-operations.ts";
import { TransitionOperations } from "./workload/transition-operations.ts";
import { checkUploads } from "./checks/uploads.ts";
import { Sequences } from "./workload/sequences.ts";
import { ShareOperations } from "./workload/share-operations.ts";
import { UploadOperations } from "./workload/upload-operations.ts";
import { Violation } from "./runtime/violation.ts";
import { OutageSchedule } from "./faults/outages.ts";
import type { World } from "./world/world.ts";

/** An operation under way. */
interface RunningOperation {
  text: string;
  process: Process;
  work: Promise<void>;
  begun: number;
}

const LOG_LENGTH = 60;
const MOST_STALLED = 10;
const CHECK_EVERY = 1000;
/** Often: what a node shows must be right after each transaction. */
const CHECK_NODES_EVERY = 50;
/** The lease of a copy (see `app_settings`). A hosted worker lives 400 s at most; on a laptop it may sleep for longer. */
const LONGEST_LEASE_MS = 300_000;

/** Drives one world: only here are operations begun, and only here does time move. */
export class Simulation {
  /** The last events, for the report of a failure. */
  readonly log: string[] = [];
  done = 0;
  #hash = 0;
  readonly #operations: VideoOperations;
  readonly #accounts: AccountOperations;
  readonly #services: ServiceOperations;
  readonly #shares: ShareOperations;
  readonly #generator: WorkloadGenerator;
  readonly #outages: OutageSchedule;
  #stalled: RunningOperation[] = [];
  #failure: unknown;

  constructor(private readonly world: World, private readonly random: Random) {
    const journal = new Journal(world.clock);
    this.#operations = new VideoOperations(world, random.fork(), journal);
    this.#accounts = new AccountOperations(world, journal);
    this.#services = new ServiceOperations(world, this.#operations, journal);
    this.#shares = new ShareOperations(world, random.fork(), journal);
    const transitions = new TransitionOperations(world, this.#operations, random.fork(), journal);
    const openvs = new OpenvOperations(world, this.#operations, random.fork(), journal);
    const nodes = new CanvasOperations(world, this.#operations, random.fork(), journal);
    const keyed = new KeyedRequests(this.#operations, transitions, openvs, nodes, random.fork());
    const graphs = new GraphOperations(world, random.fork(), journal);
    const canvas = new CanvasWorkload(world.canvas, graphs, nodes, keyed, random.fork());
    this.#generator = new WorkloadGenerator(world, {
      operations: this.#operations,
      keyed,
      sequences: new Sequences(this.#operations, transitions, openvs, canvas, this.#accounts, random.fork()),
      openvs,
      canvas,
      imports: new ImportOperations(world, this.#operations, random.fork(), journal),
      accounts: this.#accounts,
      uploads: new UploadOperations(world, random.fork(), journal),
      shares: this.#shares,
      services: this.#services,
    }, random.fork());
    this.#outages = new OutageSchedule(world, random.fork());
    world.fal.onAccepted = async (accepted) => {
      const run = falReporter(accepted);
      if (run === null) return;
      const running = this.#begin(this.#services.deliver({ run, kind: "before the answer", due: 0, tries: 9 }));
      // Noted, not thrown: the waiting submission would take an error for a network fault.
      await this.#finish(running).catch((error: unknown) => this.#failure ??= error);
    };
  }

  /** Runs `count` operations, then all work to its end. Throws `Violation`. */
  async run(count: number, progress: (done: number) => void = () => {}): Promise<void> {
    let nextCheck = CHECK_EVERY;
    let nextNodeCheck = CHECK_NODES_EVERY;
    while (this.done < count) {
      await this.#step();
      if (this.#failure !== undefined) throw this.#failure;
      const badInput = this.world.fal.badInput ?? this.world.rendi.badInput;
      if (badInput !== null) throw new Violation(badInput);
      if (this.done >= nextNodeCheck) {
        nextNodeCheck = this.done + CHECK_NODES_EVERY;
        await this.#checkNodes();
      }
      if (this.done < nextCheck) continue;
      nextCheck += CHECK_EVERY;
      await checkMoney(this.world);
      await checkFiles(this.world);
      await checkUploads(this.world);
      await checkCanvasSizes(this.world);
      await checkGone(this.world, this.#accounts.leaving);
      this.#accounts.checkCancelledRuns();
      await this.world.tidy();
      progress(this.done);
    }
    await this.#settle();
  }

  #checkNodes(): Promise<void> {
    return checkNodes(this.world, (jobId) => this.#operations.find(jobId)?.history.revocationAsked ?? false);
  }

  async #step(): Promise<void> {
    const outage = this.#outages.turn(this.done);
    if (outage !== null) this.#note(outage);
    switch (this.random.weighted({ one: 76, several: 3, time: 18, wake: 1.5, rotate: 0.1, turns: 1.5 })) {
      case "one":
        return await this.#one();
      case "several":
        return await this.#several();
      case "time":
        return await this.#pass(this.#pause());
      case "wake":
        return await this.#wake();
      case "turns":
        return await this.#inTurns();
      case "rotate":
        return await this.world.fal.rotateKeys(this.random.chance(0.5));
    }
  }

  async #one(): Promise<void> {
    const operation = this.#generator.one();
    const running = this.#begin(operation);
    const rest = await this.#finish(running);
    const undisturbed = rest === "done" && !running.process.disturbed;
    const isWhole = undisturbed && !this.#services.hasMoreDue;
    if (operation.text === "advance" && isWhole) await checkDeadlines(this.world);
  }

  async #inTurns(): Promise<void> {
    const begun = this.world.clock.now();
    for (const { after, pace = 1, next } of this.#generator.turns()) {
      if (after !== undefined) {
        await this.#pass(begun + after.milliseconds - this.world.clock.now());
        await this.world.clock.creep(after.readings);
      }
      await this.world.clock.pace(pace);
      await this.#finish(this.#begin(next()));
      await this.world.clock.pace(1);
    }
  }

  async #several(): Promise<void> {
    const operations = this.#generator.several();
    const shared = this.random.chance(0.3) ? new Process(this.random.fork(), true) : undefined;
    const begun = operations.map((operation) => this.#begin(operation, shared));
    await this.#finishAll(begun);
  }

  #begin(operation: Operation, process = new Process(this.random.fork(), this.world.faults.enabled)): RunningOperation {
    this.done++;
    const work = process.run(operation.run);
    // `#rest` awaits the work and sees its failure. Without this, an earlier failure would be an unhandled rejection.
    work.catch(() => {});
    return { text: operation.text, process, work, begun: this.world.clock.now() };
  }

  #finish(running: RunningOperation): Promise<Rest> {
    return this.#conclude(running, this.#rest(running));
  }

  async #finishAll(all: readonly RunningOperation[]): Promise<void> {
    const rests = all.map((running) => this.#rest(running));
    await Promise.allSettled(rests);
    for (const [index, running] of all.entries()) await this.#conclude(running, rests[index]);
  }

  #rest(running: RunningOperation): Promise<Rest> {
    return withTimeLimit(running.process.rest(running.work));
  }

  /** Notes how the operation came to rest, and throws its error. */
  async #conclude(running: RunningOperation, resting: Promise<Rest> | undefined): Promise<Rest> {
    const rest = (await resting?.catch((error: unknown) => {
      this.#note(`${running.text}: FAILED (${running.process.trace.join(", ")})`);
      throw error;
    })) ?? "done";
    this.#note(`${running.text}: ${rest} (${running.process.trace.splice(0).join(", ")})`);
    if (rest === "stalled") this.#stalled.push(running);
    return rest;
  }

  /** Lets a stalled process go on, although another worker may have its lease by now, or kills it. */
  async #wake(): Promise<void> {
    const chosen = this.random.maybe(this.#stalled);
    if (chosen === undefined) return;
    const { process, begun } = chosen;
    const running = this.#takeStalled(process);
    this.world.counts.add("operations", "wake");
    // No purge deletes what it writes that late. So it must not meet faults, and can delete its files itself.
    if (this.world.clock.now() - begun > LONGEST_LEASE_MS) process.maySuffer = false;
    if (this.random.chance(0.1)) process.kill();
    else process.wake();
    await this.#finishAll(running);
  }

  /** Removes all operations of a stalled process, which go on together. */
  #takeStalled(process: Process): RunningOperation[] {
    const taken = this.#stalled.filter((running) => running.process === process);
    this.#stalled = this.#stalled.filter((running) => running.process !== process);
    return taken;
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

  /** Ends all faults, and lets the worker tick until no work is left. */
  async #settle(): Promise<void> {
    this.#outages.clear();
    this.world.faults.enabled = false;
    while (this.#stalled.length > 0) await this.#wakeAll();
    await runToQuiescence(this.world, {
      pass: (milliseconds) => this.#pass(milliseconds),
      tick: async () => {
        await this.#finishAlone(this.#services.tick());
        return this.#services.hasMoreDue;
      },
      purge: () => this.#finishAlone(this.#services.tick("purge")),
      sync: (user) => this.#finishAlone(this.#operations.sync(user)),
      erase: (user) => this.#finishAlone(this.#accounts.erase(user, true)),
    }, this.#accounts.leaving);
    await this.#checkNodes();
    await checkCanvasSizes(this.world);
    for (const operation of this.#shares.allOnceMore()) await this.#finishAlone(operation);
    this.#accounts.checkCancelledRuns();
    this.#accounts.checkRunsLeftToWorker();
    this.#services.checkPurchases(await purchases(this.world));
  }

  async #finishAlone(operation: Operation): Promise<void> {
    await this.#finish(this.#begin(operation));
    // Without faults, only a download that stalls can hold a process.
    while (this.#stalled.length > 0) await this.#wakeAll();
  }

  async #wakeAll(): Promise<void> {
    for (const process of new Set(this.#stalled.map((running) => running.process))) {
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
