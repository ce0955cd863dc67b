import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

/** Each old balance that an answer confirmed is booked once, with its amount, also after its user has left; no other is. */
export async function checkImportedBalances({ sql, imports }: World): Promise<void> {
  const rows = await sql`
    select source_id, array_agg(change) as changes from quota_log
      left join private.imported_users on transaction_id = 'import:' || import_id
    where reason = 'imported_balance' group by source_id
  `;
  const booked = new Map(rows.map(({ source_id, changes }) => [String(source_id), String(changes)]));
  for (const { sourceId, amount, isBooked } of imports.users) {
    const found = booked.get(sourceId);
    booked.delete(sourceId);
    if (found === undefined ? isBooked : found !== String(amount)) {
      throw new Violation(`The balance of ${sourceId}, ${amount}, is booked as ${found}`);
    }
  }
  if (booked.size > 0) throw new Violation(`Balances of nobody are booked: ${[...booked.keys()].slice(0, 3)}`);
}
