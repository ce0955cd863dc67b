import type postgres from "postgres";

/** As the purge does it: part after part, until nothing new is left. */
export async function auditRecent(service: postgres.Sql): Promise<void> {
  for (let after: number | null = null, isFirst = true; isFirst || after !== null; isFirst = false) {
    const [row]: postgres.RowList<{ answer: { problems: unknown[]; next: number | null } }[]> = await service`
      select audit_recent(${after}, 5000) as answer`;
    if (row === undefined || row.answer.problems.length > 0) {
      throw new Error("The books of the benchmark do not balance.");
    }
    after = row.answer.next;
  }
}

/** The audit of everything at once. */
export async function requireNoProblems(service: postgres.Sql): Promise<void> {
  const [problem] = await service`select * from audit_credits() limit 1`;
  if (problem) throw new Error(`The books of the benchmark do not balance: ${JSON.stringify(problem)}`);
}
