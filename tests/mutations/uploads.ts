// An upload is its owner's, an image, within the day's limit, and deleted when no job needs it.
import type { Mutation } from "./mutation.ts";

const UPLOADS = "supabase/migrations/20261121000220_uploads.sql";
const UPLOAD_USE = "supabase/migrations/20261121000230_upload_use.sql";
const START_GENERATION = "supabase/migrations/20261121000260_start_generation.sql";
const CHECK = "supabase/functions/_shared/jobs/uploads.ts";
const uploads = (name: string) => ({ file: "supabase/tests/uploads.test.sql", name });
const limits = (name: string) => ({ file: "tests/api/upload_limits_test.ts", name });

const HTML = "HTML with the type of a PNG is never sent to the provider";

export const uploadMutations: readonly Mutation[] = [
  {
    name: "the check of an upload's first bytes",
    guard: "What is no image is neither charged for nor sent to a provider.",
    file: CHECK,
    find: "const isAsDeclared = imageTypeOf(start) === upload.content_type;",
    replace: "const isAsDeclared = imageTypeOf(start) !== undefined;",
    test: { file: "tests/api/uploads_test.ts", name: HTML },
  },
  {
    name: "the lock under which uploads are counted",
    guard: "Many requests at once get no more addresses than one after the other.",
    file: UPLOADS,
    find: "where user_id = p_user_id for update;",
    replace: "where user_id = p_user_id;",
    test: {
      file: "tests/recovery/locks_test.ts",
      name:
        "a request for an upload address that comes while another gets the day's last one waits for it, and is refused",
    },
  },
  {
    name: "the account behind a request for an upload address",
    guard: "A deleted user uploads nothing.",
    file: UPLOADS,
    find: "  perform private.require_account(p_user_id);\n",
    replace: "",
    test: uploads("a user without an account gets no address"),
  },
  {
    name: "the uploads of failed jobs",
    guard: "A job that cost its user nothing keeps no file: Storage is not used as free hosting.",
    file: UPLOAD_USE,
    find: " and status <> 'failed')\n    order by created_at",
    replace: ")\n    order by created_at",
    test: limits("free hosting: a job that failed, and cost its user nothing, keeps no upload"),
  },
  {
    name: "the number of uploads a day",
    guard: "Storage is not used as free hosting.",
    file: UPLOADS,
    find: "if v_count >= v_settings.uploads_per_day then",
    replace: "if false then",
    test: uploads("a user above the limit waits until the oldest upload is a day old"),
  },
  {
    name: "the bytes of uploads a day",
    guard: "Storage is not used as free hosting.",
    file: UPLOADS,
    find: "if v_bytes + private.max_upload_bytes() > v_settings.upload_bytes_per_day then",
    replace: "if v_bytes > v_settings.upload_bytes_per_day then",
    test: uploads("an unused address counts with the largest size of a file"),
  },
  {
    name: "the bytes that were taken",
    guard: "What was uploaded counts for a day.",
    file: UPLOADS,
    find: "case when used is null then private.max_upload_bytes() else used end as bytes",
    replace: "case when used is null then private.max_upload_bytes() else 0 end as bytes",
    test: uploads("the size of a file counts for a day"),
  },
  {
    name: "the bytes that were refused",
    guard: "A file that is refused and deleted makes no room for another.",
    file: UPLOADS,
    find: "coalesce(refused_bytes, bytes) as used",
    replace: "bytes as used",
    test: limits("uploaded bytes count, also those of refused and deleted files"),
  },
  {
    name: "the folder of an upload",
    guard: "A user cannot upload into another user's folder.",
    file: UPLOADS,
    find: "check (starts_with(path, user_id || '/'))",
    replace: "check (path is not null)",
    test: uploads("an upload into the folder of another user is refused"),
  },
  {
    name: "the owner of a named file",
    guard: "A user cannot have a video made of another user's file.",
    file: UPLOAD_USE,
    find: "where path = v_path and user_id = p_user_id for key share",
    replace: "where path = v_path for key share",
    test: uploads("the file of another user is missing"),
  },
  {
    name: "the check of files before the charge",
    guard: "A file that is not there, or no image, costs nothing.",
    file: START_GENERATION,
    find: "then private.input_problem(p_job.user_id, array[p_job.image_path, p_job.tail_image_path]) end,",
    replace: "then null end,",
    test: uploads("a file that was not uploaded is refused"),
  },
  {
    name: "the version of a checked file",
    guard: "A file that replaces a checked one is checked as well.",
    file: UPLOAD_USE,
    find: "if v_upload.checked_version is distinct from v_stored.version then",
    replace: "if v_upload.checked_version is null then",
    test: uploads("a replaced file is checked again"),
  },
  {
    name: "the end of a refused upload",
    guard: "A refused upload is refused for good.",
    file: UPLOAD_USE,
    find: "set checked_version = p_version where path = p_path and refused_bytes is null",
    replace: "set checked_version = p_version, refused_bytes = null where path = p_path",
    test: uploads("a refused path stays refused, even if another file comes"),
  },
  {
    name: "the jobs of an upload that is deleted",
    guard: "No job loses the image that it is made of.",
    file: UPLOAD_USE,
    find:
      "delete from private.uploads where path = any (v_paths) and not exists (\n    select from public.video_jobs\n      where (image_path = uploads.path or tail_image_path = uploads.path) and status <> 'failed');",
    replace: "delete from private.uploads where created_at <= v_now - interval '1 day';",
    test: uploads("the next call deletes the rest"),
  },
  {
    name: "the file of a deleted upload",
    guard: "The file of an upload is deleted with its row, whatever code deletes it.",
    file: UPLOADS,
    find: "create trigger uploads_take_their_files_along after delete on private.uploads",
    replace: "create trigger uploads_take_their_files_along after update on private.uploads",
    test: uploads("the uploads of a deleted user are to be deleted"),
  },
  {
    name: "the search for files without a row",
    guard: "A file uploaded by an address of a deleted account is found.",
    file: UPLOADS,
    find: "and not exists (select from private.uploads where uploads.path = name)",
    replace: "and false",
    test: uploads("files without an upload are found"),
  },
];
