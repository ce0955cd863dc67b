// A link shows a finished video, to whom its owner gave it, until it is revoked, expires or the video is gone.
import type { Mutation } from "./mutation.ts";

const SHARES = "supabase/migrations/20261121000165_shares.sql";
const shares = (name: string) => ({ file: "supabase/tests/shares.test.sql", name });
const links = (name: string) => ({ file: "tests/api/share_test.ts", name });

const FIND_JOB = "from public.video_jobs where job_id = p_job_id and user_id = p_user_id for update;";
const FIND_ANY_JOB = "from public.video_jobs where job_id = p_job_id for update;";

export const shareMutations: readonly Mutation[] = [
  {
    name: "whose video a link is made to",
    guard: "Only the owner of a video shares it.",
    file: SHARES,
    find: `select * into v_job ${FIND_JOB}`,
    replace: `select * into v_job ${FIND_ANY_JOB}`,
    test: shares("a stranger's video cannot be shared"),
  },
  {
    name: "whose links are revoked",
    guard: "Nobody else takes the links of a video away.",
    file: SHARES,
    find: `perform ${FIND_JOB}`,
    replace: `perform ${FIND_ANY_JOB}`,
    test: shares("a stranger revokes nothing"),
  },
  {
    name: "the video of a link that is revoked by its id",
    guard: "A link of another video, perhaps a stranger's, is not revoked.",
    file: SHARES,
    find: "where job_id = p_job_id and (p_share_id is null or share_id = p_share_id);",
    replace: "where case when p_share_id is null then job_id = p_job_id else share_id = p_share_id end;",
    test: shares("a link of another video is not revoked"),
  },
  {
    name: "the look at the link each time that it is opened",
    guard: "A revoked link is 404 at once, though the instance has a signed URL.",
    file: "supabase/functions/share/handler.ts",
    find: "    return await readShare({ client, timing: context.timing }, token);\n",
    replace: "    const share = shown.get(token) ?? await readShare({ client, timing: context.timing }, token);\n" +
      "    if (share !== null) shown.set(token, share);\n    return share;\n",
    also: [{
      file: "supabase/functions/share/handler.ts",
      find: "  const urls = new SignedUrlCache();\n",
      replace: "  const urls = new SignedUrlCache();\n  const shown = new Map<string, Share>();\n",
    }],
    test: links("a revoked link is 404 at once, and others of the video work until they are revoked too"),
  },
  {
    name: "the end of a link",
    guard: "An expired link shows nothing.",
    file: SHARES,
    find: "\n      and (shares.expires_at is null or shares.expires_at > v_now) and jobs.status",
    replace: " and jobs.status",
    test: shares("and not a second longer"),
  },
  {
    name: "the state of the job behind a link",
    guard: "A link never shows a file of a job that is not completed: nobody has a refunded video.",
    file: SHARES,
    find: " and jobs.status = 'completed');",
    replace: ");",
    test: shares("a link that is made before the video shows nothing"),
  },
  {
    name: "the state of the job that is shared",
    guard: "A job that runs or was refunded has no link.",
    file: SHARES,
    find: "if v_job.status <> 'completed' then",
    replace: "if false then",
    test: shares("a job that runs has no link"),
  },
  {
    name: "the links of a video that is deleted",
    guard: "A link goes with its video, and never leads to another one.",
    file: SHARES,
    find: "job_id uuid not null references public.video_jobs (job_id) on delete cascade,",
    replace: "job_id uuid not null,",
    also: [{
      file: SHARES,
      find: "from private.video_shares as shares join public.video_jobs as jobs using (job_id)",
      replace: "from private.video_shares as shares left join public.video_jobs as jobs using (job_id)",
    }, { file: SHARES, find: " and jobs.status = 'completed');", replace: ");" }],
    test: links("the link of a deleted video is 404"),
  },
  {
    name: "the hash of a link's secret",
    guard: "A copy of the database opens no video.",
    file: SHARES,
    find: "values (p_job_id, sha256(convert_to(v_token, 'UTF8')), p_title",
    replace: "values (p_job_id, convert_to(v_token, 'UTF8'), p_title",
    also: [{
      file: SHARES,
      find: "shares.token_hash = sha256(convert_to(p_token, 'UTF8'))",
      replace: "shares.token_hash = convert_to(p_token, 'UTF8')",
    }],
    test: shares("the secret of a link is not stored"),
  },
  {
    name: "the lock under which links are counted",
    guard: "Many requests at once get no more links than one after the other.",
    file: SHARES,
    find: `select * into v_job ${FIND_JOB}`,
    replace: `select * into v_job ${FIND_JOB.replace(" for update", "")}`,
    test: links("a video has a hundred links at most, however many are asked for at once"),
  },
  {
    name: "the life of a signed URL that a link gives",
    guard: "No signed URL works longer than its link.",
    file: "supabase/functions/share/url-life.ts",
    find: "const linkMs = secondsLeft === null ? Infinity : Math.max(1, secondsLeft) * 1000;",
    replace: "const linkMs = secondsLeft === null ? Infinity : Infinity;",
    test: links("an expired link is 404, and no signed URL that it gave works longer than it"),
  },
  {
    name: "the title of a page as text",
    guard: "No title runs in the browsers of those who open its page.",
    file: "supabase/functions/share/page.ts",
    find: 'return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")',
    replace: 'return text.replaceAll("&", "&amp;")',
    test: {
      file: "tests/api/share_links_test.ts",
      name: "the page previews the video, runs no script and shows nothing of its owner",
    },
  },
  {
    name: "the caller in the count of openings",
    guard: "One caller cannot keep all others from a link.",
    file: "supabase/functions/share/handler.ts",
    find: "take(ofCallers, `${token} ${callerOf(request.headers)}`);",
    replace: "take(ofCallers, token);",
    test: {
      file: "tests/api/share_links_test.ts",
      name: "who opens a link too often is refused whatever else they send; others, and other links, go on",
    },
  },
  {
    name: "the server's entry of X-Forwarded-For",
    guard: "What a client writes into the header does not make it another caller.",
    file: "supabase/functions/share/caller.ts",
    find: '.split(",").at(-1)',
    replace: '.split(",").at(0)',
    test: {
      file: "supabase/functions/share/caller_test.ts",
      name: "an address that a client writes in front of the server's changes nothing",
    },
  },
  {
    name: "the counts that come again and again",
    guard: "Invented links do not make a caller uncounted.",
    file: "supabase/functions/_shared/runtime/keep-newest.ts",
    find: "  map.delete(key);\n",
    replace: "",
    test: {
      file: "supabase/functions/share/rate-limit_test.ts",
      name: "invented keys fill no memory, and a key that comes again and again stays counted",
    },
  },
  {
    name: "the signed URL of a link that ends soon",
    guard: "Openings of such a link do not each cost the operator a call to Storage.",
    file: "supabase/functions/share/url-life.ts",
    find: "atLeastMs: atMostMs / 2",
    replace: "atLeastMs: linkMs < URL_LIFE_MS ? atMostMs : atMostMs / 2",
    test: {
      file: "supabase/functions/share/url-life_test.ts",
      name: "links that end soon cost few calls to Storage too, also beside others of the file",
    },
  },
];
