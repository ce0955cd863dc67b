// Claim: the audit that the purge makes of a day's ledger takes less than a second, however long the ledger is, and the
// full audit is little slower than adding the ledger up.
import type postgres from "postgres";
import type { Benchmark, Figure } from "../measure/benchmark.ts";
import { compare, inTurn } from "../measure/comparison.ts";
import { spreadOf } from "../measure/statistics.ts";
import { secondsOf } from "../measure/time.ts";
import { auditRecent, requireNoProblems } from "../stack/audits.ts";
import { withBenchDatabase } from "../stack/bench-database.ts";
import { OUR_CALLS } from "../stack/call-times.ts";
import { writeHistory } from "../stack/history.ts";
import { insertUsers } from "../stack/users.ts";

/** New entries of a day: of a service with so many videos in a year. */
const DAYS = 365;

export const audit: Benchmark = {
  name: "audit",
  claim: "The audit of a day's entries takes less than a second, however long the ledger is (--size).",
  run: ({ rounds, size, fsync, onProgress }) =>
    withBenchDatabase({ onProgress, fsync }, async ({ sql, service, version }) => {
      onProgress(`Writing ${size} jobs`);
      await writeHistory(sql, size);
      onProgress("Auditing for the first time");
      await auditRecent(service);
      const recent: number[] = [];
      const results = await inTurn(
        rounds,
        async (round) => {
          onProgress(`Round ${round + 1} of ${rounds}: ours`);
          await spendADay(sql, service, Math.ceil(size / DAYS));
          recent.push(await secondsOf(() => auditRecent(service)));
          return await secondsOf(() => requireNoProblems(service));
        },
        async (round) => {
          onProgress(`Round ${round + 1} of ${rounds}: the ledger added up`);
          return await secondsOf(() => service`select user_id, sum(change) from quota_log group by user_id`);
        },
      );
      const daily: Figure = {
        name: "audit_of_a_day_seconds",
        what: `audit_recent, ${Math.ceil(size / DAYS)} new jobs after ${size}`,
        unit: "s",
        value: spreadOf(recent),
        goal: { atMost: 1 },
      };
      return {
        comparisons: [
          compare(
            { name: "audit_vs_sum", opponent: `the sums of a ledger of ${size} entries; audit_credits()`, unit: "s" },
            results,
            (figure) => figure,
          ),
        ],
        figures: [daily],
        postgres: version,
      };
    }),
};

/** A day's jobs, of users who are new too. What was audited before is not audited again. */
async function spendADay(sql: postgres.Sql, service: postgres.Sql, jobs: number): Promise<void> {
  await sql`
    update private.audit_state set ledger_id = (select max(id) from quota_log), ends_until = clock_timestamp()`;
  for (const user of await insertUsers(sql, jobs)) await OUR_CALLS.start(service, user);
}
