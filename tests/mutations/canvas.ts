// Nodes of the canvas: who may make a video for one, and what the end of its job writes.
import type { Mutation } from "./mutation.ts";

const PROJECTS = "supabase/migrations/20261121000256_projects.sql";
const NODES = "supabase/migrations/20261121000257_nodes.sql";
const NODE_JOBS = "supabase/migrations/20261121000258_node_jobs.sql";
const START_GENERATION = "supabase/migrations/20261121000260_start_generation.sql";
const NODE_VIDEOS = "supabase/migrations/20261121000355_node_videos.sql";
const BUDGET = "supabase/migrations/20261121000259_canvas_budget.sql";
const budget = (name: string) => ({ file: "supabase/tests/canvas_budget.test.sql", name });
const canvas = (name: string) => ({ file: "supabase/tests/canvas.test.sql", name });
const nodeJobs = (name: string) => ({ file: "supabase/tests/node_jobs.test.sql", name });

export const canvasMutations: readonly Mutation[] = [
  {
    name: "the membership in a request for a node",
    guard: "Nobody pays for a video that lands on a stranger's node.",
    file: NODE_JOBS,
    find: "where nodes.id = v_node_id and members.user_id = p_user_id\n",
    replace: "where nodes.id = v_node_id\n",
    test: nodeJobs("a stranger's node is not found"),
  },
  {
    name: "the role in a request for a node",
    guard: "A viewer changes no node, also not by a video.",
    file: NODE_JOBS,
    find: "select nodes.id, members.role <> 'viewer' into",
    replace: "select nodes.id, true into",
    test: nodeJobs("a viewer makes no video for a node"),
  },
  {
    name: "the need of a node",
    guard: "Nobody pays for a video of a node that is not there.",
    file: NODE_JOBS,
    find: "is_allowed := coalesce(is_allowed, not p_needs_node);",
    replace: "is_allowed := coalesce(is_allowed, true);",
    test: nodeJobs("nor is one that does not exist"),
  },
  {
    name: "the refusal of a node in start_generation",
    guard: "A request for a node that is refused is not charged.",
    file: START_GENERATION,
    find: "if not v_is_allowed then",
    replace: "if false then",
    test: nodeJobs("a viewer makes no video for a node"),
  },
  {
    name: "the user of a node's job in read_node_job",
    guard: "A stranger reads no job of a node.",
    file: NODE_VIDEOS,
    find: "where members.user_id = p_user_id\n    and (",
    replace: "where (",
    test: nodeJobs("a stranger does not read it"),
  },
  {
    name: "the newest job of a node",
    guard: "An older job's end does not overwrite what the node waits for.",
    file: NODE_JOBS,
    find: "on conflict (node_id) do update set job_id = excluded.job_id, functions_url = excluded.functions_url;",
    replace: "on conflict (node_id) do nothing;",
    test: nodeJobs("the end of the older one changes nothing"),
  },
  {
    name: "the end of a job on its node",
    guard: "A node learns in the job's own transaction that its video failed and was refunded.",
    file: NODE_JOBS,
    find: "for each row when (old.status <> new.status and",
    replace: "for each row when (false and",
    test: nodeJobs("a failure is on the node, with its reason"),
  },
  {
    name: "the address of a deleted video",
    guard: "A node shows no address with nothing behind it.",
    file: NODE_JOBS,
    find: "then data - 'video_url' else data end",
    replace: "then data else data end",
    test: nodeJobs("the address of a deleted video is gone from its node"),
  },
  {
    name: "the older video of a node",
    guard: "A node that waits for a newer video shows no address of a deleted older one.",
    file: NODE_JOBS,
    find: "return (select node_id from private.node_jobs where job_id = p_job_id or video_job_id = p_job_id);",
    replace: "return (select node_id from private.node_jobs where job_id = p_job_id);",
    test: nodeJobs("the address of a deleted video is gone from its node, which goes on with its newer job"),
  },
  {
    name: "whose link a poll of the canvas shows",
    guard: "A job that is under way is not answered with the link of an older video.",
    file: NODE_VIDEOS,
    find: "case when video_job_id = jobs.job_id then node_jobs.video_url end as video_url",
    replace: "node_jobs.video_url",
    test: nodeJobs("whose link is not that of the newer job"),
  },
  {
    name: "the room for the video in a node's data",
    guard: "A job ends however full the data of its node is: otherwise a user could keep it from ending.",
    file: NODES,
    find: "check (octet_length((data - 'video_url')::text) <= 32768)",
    replace: "check (octet_length(data::text) <= 32768)",
    test: nodeJobs("a node that is full of data has room for its video"),
  },
  {
    name: "the roles in the policy of nodes",
    guard: "A viewer changes no node.",
    file: NODES,
    find: `create policy "Editors change nodes" on public.nodes
  for update to authenticated using (project_id in (select private.my_projects('{owner,editor}')))
  with check (project_id in (select private.my_projects('{owner,editor}')));`,
    replace: `create policy "Editors change nodes" on public.nodes
  for update to authenticated using (project_id in (select private.my_projects()))
  with check (project_id in (select private.my_projects()));`,
    test: canvas("no viewer changes a node"),
  },
  {
    name: "the user in my_projects",
    guard: "A stranger sees nothing of a project.",
    file: PROJECTS,
    find: "  where user_id = (select private.current_user_id()) and role",
    replace: "  where role",
    test: canvas("a stranger sees their own project only"),
  },
  {
    name: "the owner's role in the policy of members",
    guard: "No member makes themselves the owner.",
    file: PROJECTS,
    find:
      "  with check (role <> 'owner' and project_id in (select private.my_projects('{owner}')));\ncreate policy \"Owners change",
    replace:
      "  with check (project_id in (select private.my_projects('{owner,editor}')));\ncreate policy \"Owners change",
    test: canvas("no editor adds a member"),
  },
  {
    name: "the budget of a canvas",
    guard: "No user fills the operator's database.",
    file: BUDGET,
    find: "where added > 0 and used > maximum",
    replace: "where false",
    test: budget("a node with too much data is refused"),
  },
  {
    name: "growth alone is refused",
    guard: "Who is above a lowered budget can make room.",
    file: BUDGET,
    find: "where added > 0 and used > maximum",
    replace: "where used > maximum",
    test: budget("above a lowered budget data may shrink"),
  },
  {
    name: "the count of data that an update adds",
    guard: "A small node does not become a large one unseen.",
    file: BUDGET,
    find: "create trigger data_of_changed_nodes_is_counted after update on public.nodes",
    replace: "create trigger data_of_changed_nodes_is_counted after truncate on public.nodes",
    also: [{
      file: BUDGET,
      find: "  referencing new table as added old table as deleted for each statement",
      replace: "  for each statement",
    }],
    test: budget("and an edit that needs too much"),
  },
  {
    name: "the owner's total",
    guard: "A hundred projects do not have a hundred budgets.",
    file: BUDGET,
    find: "projects = usage.projects + excluded.projects, rows = usage.rows + excluded.rows,\n",
    replace: "projects = usage.projects + excluded.projects, rows = excluded.rows,\n",
    test: budget("connections count as nodes do"),
  },
  {
    name: "what the deletion of a project gives back",
    guard: "Deleting makes room.",
    file: BUDGET,
    find: "after insert or delete on private.project_sizes",
    replace: "after insert on private.project_sizes",
    test: budget("and another takes its place"),
  },
  {
    name: "the video's address beside the budget",
    guard: "A job ends however full its canvas is: otherwise a user could keep it from ending.",
    file: BUDGET,
    find: "return octet_length((p_data - 'video_url')::text);",
    replace: "return octet_length(p_data::text);",
    test: budget("the address of a video needs no room"),
  },
  {
    name: "the functions' own address in the link of a node",
    guard: "A node has its video where no operator said where the functions are.",
    file: NODE_JOBS,
    find: "select functions_url || '/share/' || (v_share ->> 'token') from",
    replace: "select null from",
    test: {
      file: "tests/api/canvas_links_test.ts",
      name:
        "where the database has no address, the link of a node has the functions' own, never one that a caller names",
    },
  },
  {
    name: "the numbers in a node's data",
    guard: "Kilobytes that a user sends do not become gigabytes in the memory of the database.",
    file: NODES,
    find: "for each row execute function private.check_node_json();",
    replace: "for each row when (false) execute function private.check_node_json();",
    test: canvas("data with the number 1e131071 is refused before it is written out"),
  },
];
