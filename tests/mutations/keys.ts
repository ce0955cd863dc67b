// Keys of requests: one key, one request, one answer.
import type { Mutation } from "./mutation.ts";

const IDEMPOTENCY = "supabase/migrations/20261121000200_idempotency.sql";
const ENDINGS = "supabase/migrations/20261121000310_endings.sql";
const repeats = (name: string) => ({ file: "supabase/tests/repeats.test.sql", name });
const start = (name: string) => ({ file: "supabase/tests/start_generation.test.sql", name });
const constraints = (name: string) => ({ file: "supabase/tests/constraints.test.sql", name });

const UPSERT = `
  on conflict (user_id, idempotency_key) do update set
    operation_type = excluded.operation_type, request_hash = excluded.request_hash, job_id = excluded.job_id,
    response_data = excluded.response_data, status_code = excluded.status_code,
    created_at = excluded.created_at, expires_at = excluded.expires_at
  where used.expires_at <= v_now;`;

export const keyMutations: readonly Mutation[] = [
  {
    name: "the key's uniqueness",
    guard: "One key of one user is bound to one request, whatever code says.",
    file: IDEMPOTENCY,
    find: "  primary key (user_id, idempotency_key),\n",
    replace: "",
    // Without the key there is nothing that it could conflict with.
    also: [{ file: IDEMPOTENCY, find: UPSERT, replace: ";" }],
    test: constraints("one key of one user twice is refused"),
  },
  {
    name: "the user of the key in a replay",
    guard: "A key is its user's own: another user's request with it is another request.",
    file: IDEMPOTENCY,
    find: "where user_id = p_user_id and idempotency_key = any (p_idempotency_key",
    replace: "where idempotency_key = any (p_idempotency_key",
    test: start("another user may use the same key"),
  },
  {
    name: "the replay's comparison of the request",
    guard: "A key that was used is not an answer to another request.",
    file: IDEMPOTENCY,
    find: "if v_key.request_hash is distinct from p_request_hash then",
    replace: "if false then",
    test: start("the key with another request is refused"),
  },
  {
    name: "the expiry of a key in a replay",
    guard: "An expired key is as if never used, whether or not it was cleaned up.",
    file: IDEMPOTENCY,
    find: "\n    and (expires_at > v_now or created_at >= p_batch_since)",
    replace: "",
    test: start("an expired key can be used again before it is purged"),
  },
  {
    name: "the seconds of a key",
    guard: "A key of ten seconds answers no request after them.",
    file: IDEMPOTENCY,
    find: "coalesce(make_interval(secs => p_key_seconds), make_interval(hours => idempotency_hours))",
    replace: "make_interval(hours => idempotency_hours)",
    test: repeats("a repeat after the seconds of its key is a new request"),
  },
  {
    name: "the end of a request without a key whose video was deleted",
    guard: "Nobody who wants a video again is answered with one that is gone.",
    file: "supabase/migrations/20261121000340_video_deletion.sql",
    find: "  perform private.forget_repeats(p_job.job_id);\n",
    replace: "",
    test: repeats("after a deletion the same request is a new one"),
  },
  {
    name: "the end of a request without a key whose video was cancelled",
    guard: "Nobody who wants a video again is answered with one that was cancelled.",
    file: ENDINGS,
    find: "  perform private.forget_repeats(p_job_id);\n",
    replace: "",
    test: repeats("after a cancellation the same request is a new one"),
  },
  {
    name: "the end of a request without a key whose video failed",
    guard: "Nobody who asks again is answered with a video that failed and was refunded.",
    file: ENDINGS,
    find: "  perform private.forget_repeats(p_job_id);\n",
    replace: "  if p_error_code = 'cancelled' then perform private.forget_repeats(p_job_id); end if;\n",
    test: repeats("after a failure the same request is a new one"),
  },
  {
    name: "the time of a batch in the check of its keys",
    guard: "A batch that began to be repeated is charged for none of its transitions again.",
    file: IDEMPOTENCY,
    find: "(expires_at > v_now or created_at >= p_batch_since)",
    replace: "expires_at > v_now",
    test: repeats("a batch that began to be repeated is repeated, also where its items expire meanwhile"),
  },
  {
    name: "the time of a batch among its transitions",
    guard: "A batch that began to be repeated is charged for none of its transitions again.",
    file: "supabase/functions/transitions/create.ts",
    find: "keyOfItem(index), siblingKeys, batchSince }",
    replace: "keyOfItem(index), siblingKeys }",
    test: {
      file: "tests/api/transition_batch_test.ts",
      name: "a batch that begins to be repeated in its time is repeated as a whole",
    },
  },
  {
    name: "the common end of a batch's keys",
    guard: "A batch is a repeat as a whole or not at all.",
    file: IDEMPOTENCY,
    find: "set created_at = v_since, expires_at = v_stored.expires_at",
    replace: "set created_at = v_since",
    test: repeats("and the batch expires with it"),
  },
  {
    name: "the minute in which expired keys are kept",
    guard: "The purge does not make a batch that is being repeated a new one.",
    file: IDEMPOTENCY,
    find: "private.clock() - interval '1 minute'",
    replace: "private.clock()",
    test: repeats("a key of some seconds is kept for another minute: a batch that is repeated may be reading it"),
  },
  {
    name: "the keys of clients among those that a deletion forgets",
    guard: "A key of a client is bound for its time, whatever becomes of the video.",
    file: IDEMPOTENCY,
    find: "job_id = p_job_id and idempotency_key like 'repeat %' and",
    replace: "job_id = p_job_id and",
    test: repeats("after a deletion a key of the client is still bound"),
  },
  {
    name: "the new answer of an expired key",
    guard: "An expired key that is used anew is bound to its new job.",
    file: IDEMPOTENCY,
    find: "response_data = excluded.response_data, status_code",
    replace: "status_code",
    test: start("an expired key is bound to its new request"),
  },
  {
    name: "the siblings in replay",
    guard: "A batch under the key of another one is refused before anything of it is charged.",
    file: IDEMPOTENCY,
    find: "idempotency_key = any (p_idempotency_key || p_sibling_keys)",
    replace: "idempotency_key = p_idempotency_key",
    test: start("one key that was used for another request refuses the batch"),
  },
  {
    name: "the user in the check of the sibling keys",
    guard: "A key is its user's own.",
    file: IDEMPOTENCY,
    find: "where user_id = p_user_id and idempotency_key = any (p_idempotency_key",
    replace: "where idempotency_key = any (p_idempotency_key",
    test: start("a key of another user does not refuse the batch"),
  },
  {
    name: "the expiry in the check of the sibling keys",
    guard: "An expired key is as if never used.",
    file: IDEMPOTENCY,
    find: "\n    and (expires_at > v_now or created_at >= p_batch_since)",
    replace: "",
    test: start("an expired key does not refuse the batch"),
  },
  {
    name: "the order in the check of the sibling keys",
    guard: "One key of another request refuses the batch, whichever else were used.",
    file: IDEMPOTENCY,
    find: "order by request_hash is distinct from p_request_hash desc, idempotency_key",
    replace: "order by idempotency_key",
    test: start("one such key refuses the batch even if another key was used for this request"),
  },
  {
    name: "the key itself in replay",
    guard: "Each transition of a batch has its own answer.",
    file: IDEMPOTENCY,
    find: "if v_key.idempotency_key <> p_idempotency_key then",
    replace: "if false then",
    test: start("a batch may be repeated after some of its keys were used"),
  },
  {
    name: "the purge's check of a key's expiry",
    guard: "A key that is bound to its request is not deleted, or a repeated request would be charged.",
    file: IDEMPOTENCY,
    find: "where expires_at <= v_until order by expires_at limit p_limit",
    replace: "order by expires_at limit p_limit",
    test: { file: "supabase/tests/purge.test.sql", name: "keys that have not expired are kept" },
  },
  {
    name: "the expiry in bind_key",
    guard: "A key that is bound keeps its answer: nothing is written over it.",
    file: IDEMPOTENCY,
    find: "  where used.expires_at <= v_now;",
    replace: "  where true;",
    test: start("a key that is bound is not bound again"),
  },
  {
    name: "the refusal of bind_key",
    guard: "A job whose key answers for another one is not made, and not charged.",
    file: IDEMPOTENCY,
    find: "  if not found then\n    raise exception",
    replace: "  if false then\n    raise exception",
    test: start("a key that is bound is not bound again"),
  },
];
