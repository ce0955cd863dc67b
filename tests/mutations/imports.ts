// What is imported twice is there once, moves no credits, and is nobody else's.
import type { Mutation } from "./mutation.ts";

const IMPORTS = "supabase/migrations/20261121000375_imports.sql";
const VIDEOS = "supabase/migrations/20261121000376_imported_videos.sql";
const JOB_RULES = "supabase/migrations/20261121000155_job_rules.sql";
const AUDIT = "supabase/migrations/20261121000390_audit.sql";
const imports = (name: string) => ({ file: "supabase/tests/imports.test.sql", name });

export const importMutations: readonly Mutation[] = [
  {
    name: "the transaction id of an imported balance",
    guard: "A balance is imported once.",
    file: IMPORTS,
    find: "'import:' || v_line.import_id",
    replace: "null",
    test: imports("a repeated import of a balance gives nothing"),
  },
  {
    name: "the welcome of imported users",
    guard: "Who is imported brings a balance, and is not welcomed as well.",
    file: IMPORTS,
    find: "select private.address_hmac(p_address), private.clock() where p_address is not null",
    replace: "select private.address_hmac(p_address), private.clock() where false",
    test: imports("an imported user gets no welcome credits"),
  },
  {
    name: "the confirmed address of an imported user",
    guard: "What is imported for an address goes to nobody who has not confirmed it.",
    file: IMPORTS,
    find: "users.email = lower(v_line.email) and email_confirmed_at is not null end",
    replace: "users.email = lower(v_line.email) end",
    test: imports("an address that is not confirmed is nobody's"),
  },
  {
    name: "the users who have left an import",
    guard: "Who has left does not come back with the old balance.",
    file: IMPORTS,
    find: "on delete set null",
    replace: "on delete cascade",
    test: imports("a user who has left does not come back"),
  },
  {
    name: "the ids of imported videos",
    guard: "A video is imported once, also after its owner deleted it.",
    file: VIDEOS,
    find: "on conflict (source, source_id) do nothing\n    returning source_id, imported_videos.job_id",
    replace:
      "on conflict (source, source_id) do update set job_id = excluded.job_id\n    returning source_id, imported_videos.job_id",
    test: imports("a video is imported once"),
  },
  {
    name: "free jobs that are not imported",
    guard: "Only an imported video may be free.",
    file: JOB_RULES,
    find: "new.credits_used > 0 or (new.imported_from is not null and new.credits_used = 0)",
    replace: "new.credits_used >= 0",
    test: imports("only an imported video may be free"),
  },
  {
    name: "the audit of imported videos",
    guard: "An imported video never moves credits.",
    file: AUDIT,
    find: "where status <> 'failed' and refunded <> case",
    replace: "where status <> 'failed' and imported_from is null and refunded <> case",
    test: imports("an imported video that moves credits is reported"),
  },
];
