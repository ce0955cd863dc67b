import postgres from "postgres";

const BATCH = 32;

/** Leases due jobs and records looks at them over so many connections at once; returns how many jobs a second. */
export async function queueWork(databaseUrl: string, connections: number, seconds: number): Promise<number> {
  const pools = Array.from({ length: connections }, () => postgres(databaseUrl, { max: 1, onnotice: () => {} }));
  try {
    // Opened and planned first, so that all begin at the same time.
    await Promise.all(pools.map(leaseAndRecord));
    const begun = performance.now();
    const counts = await Promise.all(pools.map(async (sql) => {
      let count = 0;
      while (performance.now() < begun + 1000 * seconds) {
        const jobs = await leaseAndRecord(sql);
        if (jobs === 0) await makeDue(sql);
        count += jobs;
      }
      return count;
    }));
    return 1000 * counts.reduce((sum, count) => sum + count, 0) / (performance.now() - begun);
  } finally {
    await Promise.all(pools.map((sql) => sql.end()));
  }
}

/** What a worker asks of Postgres for a batch of looks; returns how many jobs there were. */
async function leaseAndRecord(sql: postgres.Sql): Promise<number> {
  const leased = await sql`select leased ->> 'job_id' as job_id, leased -> 'attempt' as attempt
    from lease_due_jobs(${BATCH}, 60, 0) as leased`;
  if (leased.length === 0) return 0;
  const looks = leased.map(({ job_id, attempt }) => ({ job_id, attempt, stage: "generating" }));
  await sql`select record_looks(${sql.json(looks)})`;
  return leased.length;
}

/** Makes those due that wait for their next look. */
export async function makeDue(sql: postgres.Sql): Promise<void> {
  await sql`
    update private.job_queue set next_check_at = now() where job_id in (
      select job_id from private.job_queue where next_check_at > now() and lease_until is null for update skip locked)`;
}
