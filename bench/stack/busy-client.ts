import type postgres from "postgres";
import { OUR_CALLS } from "./call-times.ts";

/** Starts jobs and ends them, one after the other, until it is stopped. */
export class BusyClient {
  /** Milliseconds of the longest call so far. */
  longest = 0;
  /** Calls that failed: each is rolled back, and the client goes on with another job. */
  failed = 0;
  #isStopped = false;
  readonly #work: Promise<void>;

  constructor(private readonly service: postgres.Sql, private readonly users: readonly string[]) {
    this.#work = this.#run();
  }

  reset(): void {
    this.longest = 0;
    this.failed = 0;
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#work;
  }

  async #run(): Promise<void> {
    for (let turn = 0; !this.#isStopped; turn++) {
      const user = this.users[turn % this.users.length] ?? "";
      const job = await this.#call(() => OUR_CALLS.start(this.service, user));
      if (job === undefined) continue;
      await this.#call(() => OUR_CALLS.record(this.service, job));
      await this.#call(() => this.service`select list_videos(${user}, 20)`);
      await this.#call(() => OUR_CALLS.fail(this.service, job));
    }
  }

  async #call<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    const begun = performance.now();
    try {
      return await work();
    } catch {
      this.failed++;
      return undefined;
    } finally {
      this.longest = Math.max(this.longest, performance.now() - begun);
    }
  }
}
