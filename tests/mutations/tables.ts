// What the tables refuse, who sees which rows and files, and what the audit finds.
import type { Mutation } from "./mutation.ts";

const BUCKETS = "supabase/migrations/20261121000030_buckets.sql";
const JOBS = "supabase/migrations/20261121000150_jobs.sql";
const JOB_RULES = "supabase/migrations/20261121000155_job_rules.sql";
const JOB_QUEUE = "supabase/migrations/20261121000170_job_queue.sql";
const AUDIT = "supabase/migrations/20261121000390_audit.sql";
const PUSH = "supabase/migrations/20261121000400_push.sql";
const constraints = (name: string) => ({ file: "supabase/tests/constraints.test.sql", name });
const rows = (name: string) => ({ file: "supabase/tests/row_level_security.test.sql", name });
const progress = (name: string) => ({ file: "supabase/tests/audit_progress.test.sql", name });
const audit = (name: string) => ({ file: "supabase/tests/audit.test.sql", name });

export const tableMutations: readonly Mutation[] = [
  {
    name: "the rules of a job where triggers are off",
    guard: "No role writes a job that is finished and not paid for or refunded.",
    file: JOB_RULES,
    find: "alter table public.video_jobs enable always trigger jobs_are_possible;",
    replace: "",
    test: constraints("a failed job without a refund is refused even where triggers are off"),
  },
  {
    name: "the rules of a request in a later change",
    guard: "A job never shows another user's image.",
    file: JOB_RULES,
    find: "update of kind, prompt, node_id, image_url, image_path, tail_image_url, tail_image_path, user_id, seconds",
    replace: "update of kind",
    test: constraints("another user's file as the first image is refused"),
  },
  {
    name: "the CHECK of a failed job's refund",
    guard: "A failed job is refunded in full.",
    file: JOB_RULES,
    find: "then (new.status = 'failed') = (new.credits_refunded = new.credits_used)",
    replace: "then new.status = 'failed' or new.credits_refunded <> new.credits_used",
    test: constraints("a failed job without a refund is refused"),
  },
  {
    name: "the CHECK of a delivered job's price",
    guard: "No video is delivered for nothing.",
    file: JOB_RULES,
    find: "then (new.status = 'failed') = (new.credits_refunded = new.credits_used)",
    replace: "then new.status <> 'failed' or new.credits_refunded = new.credits_used",
    test: constraints("a full refund of a delivery is refused"),
  },
  ...([
    ["new.credits_refunded >= 0 and (new.status", "(new.status", "a negative refund is refused"],
    [
      " and (new.status in ('completed', 'failed') or new.credits_refunded = 0)",
      "",
      "a refund of a job that still runs is refused",
    ],
    [
      "\n        and (new.status <> 'completed' or new.credits_refunded = 0 or cardinality(new.skipped_extras) > 0)",
      "",
      "a refund of a delivery with all its extras is refused",
    ],
  ] as const).map(([find, replace, name]) => ({
    name: `the CHECK of credits_refunded: ${name}`,
    guard: "Of a job that has not failed only skipped extras are refunded, once it is delivered.",
    file: JOB_RULES,
    find,
    replace,
    test: constraints(name),
  })),
  {
    name: "the CHECK that a finished job says when",
    guard: "A job is finished or not, never both.",
    file: JOB_RULES,
    find: "when not ((new.status in ('completed', 'failed')) = (new.completed_at is not null))",
    replace: "when false",
    test: constraints("an unfinished job with an end is refused"),
  },
  {
    name: "the CHECK that a completed job has a video",
    guard: "A completed and charged job has a video.",
    file: JOB_RULES,
    find: "new.status <> 'completed' or new.video_path is not null or new.video_url is not null",
    replace: "true",
    test: constraints("a delivery without a video is refused"),
  },
  {
    name: "the CHECK that a run belongs to an attempt",
    guard: "No run is followed that no attempt submitted.",
    file: JOB_QUEUE,
    find: "check (provider_job_id is null or submitted_at is not null)",
    replace: "check (true)",
    test: constraints("a run without a submission is refused"),
  },
  {
    name: "the policy of jobs",
    guard: "Users see their own jobs and no others.",
    file: JOBS,
    find: "on public.video_jobs\n  for select to authenticated using (user_id = (select private.current_user_id()));",
    replace: "on public.video_jobs\n  for select to authenticated using (true);",
    test: rows("a user reads their own jobs and no others"),
  },
  {
    name: "the policy of broadcasts",
    guard: "Users receive changes of their own jobs and no others.",
    file: PUSH,
    find: " and realtime.topic() = 'jobs:' || (select private.current_user_id())::text",
    replace: "",
    test: {
      file: "tests/platform/supabase_extensions_test.ts",
      name: "only the owner may listen to a channel, and no client may send",
    },
  },
  {
    name: "the privacy of the bucket",
    guard: "A user cannot download another user's video by its path.",
    file: BUCKETS,
    find: "values ('videos', 'videos', false,",
    replace: "values ('videos', 'videos', true,",
    test: {
      file: "tests/security/privileges_storage_test.ts",
      name: "another user's video cannot be downloaded, by its path or by any kind of address",
    },
  },
];

/** What the audits find, and the damage that a test has them find. */
const CONTRADICTIONS: [what: string, condition: string, damage: string][] = [
  [
    "a balance that is not the sum of its ledger",
    "balances.user_id = p_user_id and credits_remaining <> p_ledger",
    "update public.credit_balances set credits_remaining = credits_remaining + 1 where user_id = pg_temp.a()",
  ],
  [
    "an account without a balance",
    "where not exists (select from public.credit_balances",
    "set local session_replication_role = replica; delete from public.credit_balances",
  ],
  [
    "a ledger entry that does not follow",
    "where balance_after <> balance_before + change",
    " update public.quota_log set change = 1 where change > 0 and job_id = pg_temp.job('failed') ",
  ],
  [
    "a job that was not charged its price",
    "where charged <> price",
    " update public.video_jobs set credits_used = 3 where node_id = 'running' ",
  ],
  [
    "a failed job that was not refunded",
    "where status = 'failed' and refunded <> price",
    " update public.video_jobs set status = 'failed', completed_at = now() where node_id = 'running' ",
  ],
  [
    "a refund of a job that has not failed",
    "where status <> 'failed' and refunded <> case",
    " select public.add_credits(user_id, 2, 'x', job_id) from public.video_jobs where node_id = 'delivered' ",
  ],
  [
    "a private video that has no copy",
    "where status = 'completed' and not files_are_public and video_path is null",
    " update public.video_jobs set files_are_public = false, video_path = null, video_url = 'x' where node_id = 'delivered' ",
  ],
  [
    "a charged job that is never checked",
    "where case when status in ('pending', 'processing') then (",
    " update private.job_queue set next_check_at = null where job_id = pg_temp.job('running') ",
  ],
  [
    "a thumbnail that is never ended",
    "where work.job_id = jobs.job_id and (status <> 'completed' or",
    " insert into private.thumbnail_work values (pg_temp.job('delivered'), '{}', 2, 0, null, now(), now() - interval '61 minutes') ",
  ],
];

const AUDITS = ["the audit", "the audit of the next users", "the audit of what is new"];

/** What makes the audit of new rows read all of them, and what makes the others reach everything. */
const REACHES: [what: string, find: string, replace: string, test: Mutation["test"]][] = [
  [
    "the hour that it trails behind",
    "interval '1 hour'",
    "interval '0 hours'",
    progress("an entry that is committed behind others is audited, as long as they are younger than an hour"),
  ],
  [
    "no more than it has time for",
    "order by user_id offset p_entries limit 1));",
    "order by user_id offset 1000000 limit 1));",
    progress("the number of ledger entries limits the users of one call"),
  ],
  [
    "the entries",
    "from private.ledger_problems where id > v_after",
    "from private.ledger_problems where false and id > v_after",
    audit(
      "the audit of what is new reports  update public.quota_log set change = 1 where change > 0 and job_id = pg_temp.job('failed') ",
    ),
  ],
  [
    "the accounts that the entries touch",
    "from (select distinct user_id from unnest(v_entries)) as touched",
    "from (select null::uuid as user_id) as touched",
    audit(
      "the audit of what is new reports update public.credit_balances set credits_remaining = credits_remaining + 1 where user_id = pg_temp.a()",
    ),
  ],
  [
    "the jobs that have ended",
    "where completed_at >= v_state.ends_until",
    "where false",
    audit(
      "the audit of what is new reports  delete from public.quota_log where change < 0 and job_id = pg_temp.job('delivered') ",
    ),
  ],
  [
    "the jobs that have not ended",
    "union all select job_id from public.video_jobs where status in ('pending', 'processing'))",
    ")",
    progress("a job that is never due is found, however long ago it was charged"),
  ],
  [
    "the jobs that the entries touch",
    "where job_id in (select job_id from unnest(v_entries))",
    "where false",
    progress("a refund is audited with its job, however long ago that was delivered"),
  ],
  [
    "the next part",
    "'next', case when cardinality(v_entries) = p_limit then v_last end",
    "'next', null",
    progress("a part says where the next one begins"),
  ],
  [
    "the parts that are not settled",
    "case when v_after > ledger_id then ledger_id\n      else ",
    "case when false then ledger_id\n      else ",
    progress("a part is audited again until all parts before it are done"),
  ],
  [
    "the users after the first ones",
    "    after_user_id = v_up_to,",
    "    after_user_id = null,",
    progress("a round continues with the next users"),
  ],
];

export const auditMutations: readonly Mutation[] = [
  ...CONTRADICTIONS.flatMap(([what, condition, damage]) =>
    AUDITS.map((which) => ({
      name: `${what}, in ${which}`,
      guard: `The audit finds ${what}.`,
      file: AUDIT,
      find: condition,
      replace: condition.startsWith("where ")
        ? condition.replace("where ", "where false and ")
        : `false and ${condition}`,
      test: audit(`${which} reports ${damage}`),
    }))
  ),
  ...REACHES.map(([what, find, replace, test]) => ({
    name: `what the audit reads: ${what}`,
    guard: "A new contradiction in the books is found within a day, and any within a week.",
    file: AUDIT,
    find,
    replace,
    test,
  })),
  {
    name: "the actions that are published",
    guard: "The id of a deleted job is not sent to every listener.",
    file: PUSH,
    find: "alter publication supabase_realtime set (publish = 'insert, update');",
    replace: "null;",
    test: {
      file: "supabase/tests/push.test.sql",
      name: "no deletion is published: Realtime cannot check who may see a row that is gone",
    },
  },
];
