// A file is read by its owner alone, by an address of a delivered video, and is deleted with its job.
import type { Mutation } from "./mutation.ts";

const BUCKETS = "supabase/migrations/20261121000030_buckets.sql";
const JOB_RULES = "supabase/migrations/20261121000155_job_rules.sql";
const ENDINGS = "supabase/migrations/20261121000310_endings.sql";
const JOB_FILES = "supabase/functions/_shared/jobs/files.ts";
const limits = (name: string) => ({ file: "tests/api/cancel_limits_test.ts", name });
const privateFiles = (name: string) => ({ file: "tests/security/private_files_test.ts", name });

const READS_NO_FILE = {
  file: "supabase/tests/row_level_security.test.sql",
  name: "a user reads no file, not even in their own folders",
};

function policyOf(bucket: string): string {
  return `
create policy "Users read their own ${bucket}" on storage.objects for select to authenticated
  using (bucket_id = '${bucket}' and (storage.foldername(name))[1] = (select auth.uid())::text);`;
}

export const privateFileMutations: readonly Mutation[] = [
  {
    name: "no policy on the videos",
    guard: "A file is there before its video is delivered: no user reads it by their own token, or signs its address.",
    file: BUCKETS,
    find: "'image/webp', 'text/vtt', 'text/x-ssa']);",
    replace: `'image/webp', 'text/vtt', 'text/x-ssa']);${policyOf("videos")}`,
    test: READS_NO_FILE,
  },
  {
    name: "no policy on the inputs",
    guard: "No user signs an address of an upload for years.",
    file: BUCKETS,
    find: "array['image/jpeg', 'image/png', 'image/webp', 'image/gif']);\n",
    replace: `array['image/jpeg', 'image/png', 'image/webp', 'image/gif']);${policyOf("inputs")}\n`,
    test: READS_NO_FILE,
  },
  {
    name: "the period of a signed URL",
    guard: "A client that is told that nothing has changed has an address that works.",
    file: "supabase/functions/_shared/jobs/view.ts",
    find: "atLeastMs: (index + 2) * periodMs - now",
    replace: "atLeastMs: 1",
    test: {
      file: "supabase/functions/_shared/jobs/view_test.ts",
      name: "a client that gets 304 has URLs that work for half of their life still",
    },
  },
  {
    name: "the files of a job that is deleted while they are there",
    guard: "What was written for a refunded job is deleted at once.",
    file: "supabase/functions/_shared/jobs/deletion.ts",
    find: "await cleanUpAfterDeletion(context, { files, runs });",
    replace: "await cleanUpAfterDeletion(context, { files: [], runs });",
    test: limits("a video for nothing: a stored video that is deleted is refunded, counted, and gone at once"),
  },
  {
    name: "the files of a job that fails while they are there",
    guard: "What was written for a job that failed is deleted at once, not by the next purge.",
    file: JOB_FILES,
    find: `if (job === null || job.status === "failed") await`,
    replace: "if (job === null) await",
    test: {
      file: "tests/api/transition_endings_test.ts",
      name: "subtitles of a transition whose video cannot be used are gone as soon as it fails",
    },
  },
  {
    name: "the path in complete_job",
    guard: "What only we can open is delivered from our own copy, or not at all.",
    file: ENDINGS,
    find: " or (p_video_path is null and not v_job.files_are_public) then",
    replace: " then",
    also: [{
      file: JOB_RULES,
      find: "new.status <> 'completed' or new.files_are_public or new.video_path is not null",
      replace: "true",
    }],
    test: {
      file: "supabase/tests/endings.test.sql",
      name: "a video that only we can open is not delivered by its provider's URL, though the copy is owed",
    },
  },
  {
    name: "the CHECK of a private video's path",
    guard: "No row says that a video was delivered which its owner cannot open.",
    file: JOB_RULES,
    find: "new.status <> 'completed' or new.files_are_public or new.video_path is not null",
    replace: "true",
    test: { file: "supabase/tests/constraints.test.sql", name: "a private video without our copy is refused" },
  },
  {
    name: "the wait for Storage of a video that only we can open",
    guard: "It is not completed with an address that its owner cannot open.",
    file: "supabase/functions/_shared/jobs/deliver.ts",
    find: "if (isStorageTrouble(error) && leased.files_are_public && context",
    replace: "if (isStorageTrouble(error) && context",
    test: privateFiles(
      "charged, never delivered: one that cannot be stored until its deadline fails, and is refunded",
    ),
  },
  {
    name: "a file that is too large for Storage",
    guard: "A paid video that Storage refuses for its size is delivered by its provider.",
    file: "supabase/functions/_shared/storage/media-error.ts",
    find: `[413, "storage_too_large"],`,
    replace: `[413, "media_too_large"],`,
    test: privateFiles(
      "one that Storage refuses for its size is delivered by its provider where others can open it, and not tried again",
    ),
  },
];
