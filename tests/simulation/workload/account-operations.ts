import type { Run } from "../../../local/simulators/fal/run-queue.ts";
import type { RunpodRun } from "../../../local/simulators/runpod/runs.ts";
import type { Journal, Operation } from "./journal.ts";
import type { User } from "../model/user.ts";
import { currentProcess, type Process } from "../runtime/process.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

/** A run at a provider that can cancel runs. */
type Stoppable = Run | RunpodRun;

/** Deletions of accounts. */
export class AccountOperations {
  /** All users whose deletion has begun. */
  readonly leaving: User[] = [];
  /** Runs that a deletion must have cancelled, with the process of the deletion. */
  readonly #cancelledRuns: { process: Process; runs: Stoppable[] }[] = [];

  /** One entry for each deletion that has begun. */
  readonly #begun: User[] = [];
  /** Runs of users whom the dashboard deleted: the worker must cancel them. */
  readonly #leftToWorker: Stoppable[] = [];

  constructor(private readonly world: World, private readonly journal: Journal) {}

  /** Deletes the account, and replaces the user. `alone`: no other operation is under way. */
  erase(user: User, alone: boolean): Operation {
    return this.journal.operation(`erase u${user.index}`, async (moment) => {
      this.#begin(user);
      await this.#countOwedCopies(user);
      const runs = alone ? await this.#runsOf(user) : [];
      const { status } = await this.world.endpoints.call("account", { method: "DELETE", userId: user.id });
      const { finished, disturbed } = moment();
      if (status >= 500 && disturbed) return;
      // 401 only if another deletion of the same account has begun before.
      if (status !== 200 && !(status === 401 && this.#deletions(user) > 1)) {
        throw new Violation(`The deletion of an account was answered ${status}`);
      }
      if (runs.length > 0 && status === 200) this.#cancelledRuns.push({ process: currentProcess(), runs });
      await this.#end(user, finished);
    });
  }

  /** The operator deletes the account in the dashboard: one SQL statement, without the clean-up of the endpoint. */
  deleteByDashboard(user: User, alone: boolean): Operation {
    return this.journal.operation(`dashboard deletes u${user.index}`, async (moment) => {
      this.#begin(user);
      const runs = alone ? await this.#runsOf(user) : [];
      const { sql, sequencer } = this.world;
      await sequencer.inTurn(async () => await sql`delete from auth.users where id = ${user.id}`);
      this.#leftToWorker.push(...runs);
      await this.#end(user, moment().finished);
    });
  }

  /** Checks that the worker cancelled the runs of users whom the dashboard deleted. Call it when no work is left. */
  checkRunsLeftToWorker(): void {
    for (const run of this.#leftToWorker.splice(0)) {
      this.world.counts.add("account deletions", "run cancelled by the worker");
      if (run.calls.cancel > 0 || this.world.counts.of("alerts", "run_not_cancelled") > 0) continue;
      throw new Violation(`${run.id} was not cancelled after the dashboard deleted its user`);
    }
  }

  #deletions(user: User): number {
    return this.#begun.filter((one) => one === user).length;
  }

  #begin(user: User): void {
    this.#begun.push(user);
    if (!this.leaving.includes(user)) this.leaving.push(user);
    user.leaving = true;
    for (const history of user.jobs) history.deletionAsked = true;
  }

  async #end(user: User, finished: number): Promise<void> {
    const isFirst = user.goneSince === Infinity;
    user.goneSince = Math.min(user.goneSince, finished);
    for (const history of user.jobs) history.goneSince = Math.min(history.goneSince, user.goneSince);
    if (isFirst) await this.world.replaceUser(user);
  }

  /** Checks that deletions cancelled the runs that they could. Call it when no operation is under way. */
  checkCancelledRuns(): void {
    for (const { process, runs } of this.#cancelledRuns.splice(0)) {
      if (process.disturbed || process.dead) continue;
      for (const run of runs) {
        if (run.calls.cancel === 0) throw new Violation(`${run.id} was not cancelled when its user left`);
        this.world.counts.add("account deletions", "run cancelled");
      }
    }
  }

  /** Counts the users who leave while files of imported videos are still to be copied. */
  async #countOwedCopies(user: User): Promise<void> {
    const { sql, sequencer, counts } = this.world;
    const rows = await sequencer.inTurn(async () =>
      await sql`
        select from private.job_queue join video_jobs using (job_id)
        where user_id = ${user.id} and imported_from is not null and next_check_at is not null limit 1`
    );
    if (rows.length > 0) counts.add("account deletions", "with files of an import to copy");
  }

  /** The user's runs that are under way, at providers that answer and can cancel. */
  async #runsOf(user: User): Promise<Stoppable[]> {
    const { fal, runpod, sql } = this.world;
    const { outage, revoked } = fal.simulation.settings;
    if (outage !== 0 || revoked || runpod.outage !== 0) return [];
    const rows = await sql`
      select provider_job_id as id from private.job_queue join video_jobs using (job_id)
      where user_id = ${user.id} and completed_at is null and provider_job_id is not null
    `;
    return rows.flatMap(({ id }) => {
      const run = fal.simulation.queue.find(String(id)) ?? runpod.runs.find((one) => one.id === id);
      if (run === undefined) return [];
      const isOver = "completedAt" in run ? run.completedAt !== null : run.endedAt !== null || run.gone;
      return isOver ? [] : [run];
    });
  }
}
