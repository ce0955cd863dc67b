import { UPLOADS_PER_DAY } from "../model/limits.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

export const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1);
export const HTML = new TextEncoder().encode("<!doctype html>");

/** No user has more uploads than a day allows, and no job was made of a file that is no image. */
export async function checkUploads({ sql, bucket }: World): Promise<void> {
  const over = await sql`
    select user_id, count(*)::integer as count from private.uploads
    where created_at > private.clock() - make_interval(secs => ${24 * 3600}) group by user_id
    having count(*) > ${UPLOADS_PER_DAY}
  `;
  if (over.length > 0) throw new Violation(`There are too many uploads: ${JSON.stringify(over)}`);
  // The purge deletes an upload after a day, also if a failed job had used it.
  const used = await sql`
    select name as path, status = 'failed' and not exists (select from private.uploads where path = name) as may_be_gone
    from video_jobs, lateral (select coalesce(image_path, tail_image_path) as name) as input where name is not null
  `;
  for (const { path, may_be_gone } of used) {
    const head = bucket.heads.get(`inputs/${path}`);
    if (head === undefined && may_be_gone) continue;
    if (head !== JPEG) throw new Violation(`A job was made of ${path}, which is ${head === HTML ? "HTML" : "gone"}`);
  }
}
