import type { JobHistory } from "../model/job-history.ts";
import type { User } from "../model/user.ts";
import { Violation } from "../runtime/violation.ts";
import { asUser } from "../world/rest.ts";
import type { World } from "../world/world.ts";

/**
 * A user whose job was refunded tries to read its files: with their own token through Storage, whose policies are those of
 * the database, and with every address that they ever got.
 */
export async function checkUnreadable(world: World, user: User, history: JobHistory): Promise<void> {
  const readable = [...await filesByToken(world, user, history), ...history.addresses].filter((address) =>
    opens(world, address)
  );
  world.counts.add("cancellations", "tried to read");
  if (readable.length > 0) throw new Violation(`${history.jobId} was refunded, and ${readable.join(", ")} can be read`);
}

const SIGNED = "/storage/v1/object/sign/";

async function filesByToken(world: World, { id }: User, { jobId }: JobHistory): Promise<string[]> {
  const rows = await asUser(world, id, async (sql) =>
    await sql`
      select bucket_id, name from storage.objects where bucket_id = 'videos' and name like ${`${id}/${jobId}%`}`);
  // Storage signs an address for a user who may read the row.
  return rows.map(({ bucket_id, name }) => `http://supabase.simulated${SIGNED}${bucket_id}/${name}`);
}

function opens(world: World, address: string): boolean {
  const { pathname } = new URL(address);
  return pathname.startsWith(SIGNED)
    ? world.bucket.files.has(decodeURIComponent(pathname.slice(SIGNED.length)))
    : world.fileBytes(address) !== undefined;
}
