import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

/** The counts by which the canvas is limited are those of the rows that there are. */
export async function checkCanvasSizes({ sql }: World): Promise<void> {
  const wrong = await sql`
    select to_jsonb(counted) as counted, to_jsonb(sizes) as kept from (
      select id, owner_id, (select count(*) from project_members where project_id = projects.id) as members,
        (select count(*) from nodes where project_id = projects.id) as nodes,
        (select count(*) from connections where project_id = projects.id) as connections,
        (select coalesce(sum(private.data_bytes(data)), 0) from nodes where project_id = projects.id) as data_bytes
      from projects
    ) as counted full join private.project_sizes as sizes on sizes.project_id = counted.id
    where (counted.owner_id, counted.members, counted.nodes, counted.connections, counted.data_bytes) is distinct from
      (sizes.owner_id, sizes.members::bigint, sizes.nodes::bigint, sizes.connections::bigint, sizes.data_bytes::numeric)
  `;
  if (wrong.length > 0) throw new Violation(`A project is counted wrong: ${JSON.stringify(wrong.slice(0, 3))}`);
  const users = await sql`
    select to_jsonb(counted) as counted, to_jsonb(used) as kept from (
      select owner_id, count(*) as projects, sum(nodes + connections) as rows, sum(data_bytes) as data_bytes
      from private.project_sizes group by owner_id
    ) as counted full join private.canvas_usage as used using (owner_id)
    where (counted.projects, counted.rows, counted.data_bytes) is distinct from
      (used.projects::bigint, used.rows::bigint, used.data_bytes::numeric)
  `;
  if (users.length > 0) throw new Violation(`A canvas is counted wrong: ${JSON.stringify(users.slice(0, 3))}`);
}
