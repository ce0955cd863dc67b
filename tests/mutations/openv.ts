// The routes in OpenV's words: one charge, the right model, no video missed, and a webhook that only wakes.
import type { Mutation } from "./mutation.ts";

const OPENV = "supabase/functions/openv";
const SECRET = "supabase/functions/_shared/http/secret.ts";
const REQUESTS = "supabase/migrations/20261121000255_requests.sql";
const WEBHOOKS = "supabase/migrations/20261121000320_webhooks.sql";
const openv = (name: string) => ({ file: "tests/api/openv_test.ts", name });
const videos = (name: string) => ({ file: "tests/api/openv_videos_test.ts", name });
const webhook = (name: string) => ({ file: "tests/api/openv_webhook_test.ts", name });
const client = (name: string) => ({ file: "tests/acceptance/openv_client_test.ts", name });
const NEEDS_TOKEN = webhook("the webhook of an endpoint needs its token, knows our runs alone, and believes nothing");
const ALL_PAGES = videos("of more videos than one answer has, Link leads to the next, and none is missed or repeated");

export const openvMutations: readonly Mutation[] = [
  {
    name: "the body in the fingerprint of a video of OpenV's",
    guard: "A key answers the one request that it was used for.",
    file: `${OPENV}/create.ts`,
    find: 'canonicalJson(["openv", body])',
    replace: 'canonicalJson(["openv"])',
    test: openv("a key is bound to its request for longer, and another request with it is 422"),
  },
  {
    name: "the key of a request of OpenV's",
    guard: "A double tap of a client that knows no keys is not two charges.",
    file: `${OPENV}/create.ts`,
    find: "...identityOf(key, ",
    replace: "...identityOf(key ?? crypto.randomUUID(), ",
    test: openv("ten copies of a request at once without a key are one video and one charge, for ten seconds"),
  },
  {
    name: "maxCredits of OpenV's clients",
    guard: "A price above the one agreed to is not charged.",
    file: `${OPENV}/create.ts`,
    find: "    maxCredits: maxCredits ?? undefined,\n",
    replace: "",
    test: openv("a price above maxCredits or above the balance is refused, and nothing is charged or sent"),
  },
  {
    name: "the model that no name has",
    guard: "Nobody pays for another model than the one that they named.",
    file: REQUESTS,
    find: "'00000000-0000-0000-0000-000000000000'",
    replace: "(select id from public.models where is_available order by id limit 1)",
    test: openv("a name that no available model has is 404, and no other model is taken instead"),
  },
  {
    name: "the rank of a name among the models",
    guard: "A name is never taken for another row's id at its provider.",
    file: REQUESTS,
    find: "order by lower(name) = lower(p_name) desc, is_available desc",
    replace: "order by is_available desc",
    test: { file: "supabase/tests/start_generation.test.sql", name: "first is that model" },
  },
  {
    name: "the token of an endpoint's webhook",
    guard: "Only who knows the operator's token wakes jobs by the ids of their runs.",
    file: SECRET,
    find: 'return await crypto.subtle.verify("HMAC", await keyOf(secret, "verify"), mac, message);',
    replace: "return mac.byteLength > 0;",
    test: NEEDS_TOKEN,
  },
  {
    name: "the webhook without a token of the operator's",
    guard: "A deployment that set no token has no address that anyone may call.",
    file: `${OPENV}/webhook.ts`,
    find: 'if (secret === undefined) throw new RequestError("not_found");',
    replace: "if (secret === undefined) return json({ received: true });",
    test: webhook("without a token of the operator's there is no webhook for endpoints"),
  },
  {
    name: "the provider of the run that a webhook names",
    guard: "A caller who knows RunPod's token wakes no job of another provider.",
    file: WEBHOOKS,
    find: "one ->> 'provider' = p_provider)",
    replace: "true)",
    test: { file: "supabase/tests/webhooks.test.sql", name: "a run of another provider is not found" },
  },
  {
    name: "the half minute before updatedSince",
    guard: "A client that reads its own clock after the answer misses no change.",
    file: `${OPENV}/list.ts`,
    find: "sinceMs - OVERLAP_MS",
    replace: "sinceMs + OVERLAP_MS",
    test: client("a page whose clock is right misses no change, and merges what comes twice"),
  },
  {
    name: "the clock of a client that is ahead",
    guard: "A client whose clock is fast still sees its videos finish.",
    file: `${OPENV}/list.ts`,
    find: "const isAhead = cursor === null && updatedSince > page.server_time_ms;",
    replace: "const isAhead = false;",
    test: client("a page whose clock is ten minutes fast misses no change, and merges what comes twice"),
  },
  {
    name: "the link to further videos",
    guard: "Videos beyond the bound of one answer are not silently missing.",
    file: `${OPENV}/list.ts`,
    find: "const link = cursor === null ? {} :",
    replace: "const link = true ? {} :",
    test: ALL_PAGES,
  },
  {
    name: "the later parts of a long deletion",
    guard: "A video that was to be deleted is not kept, and one that runs does not go on at our cost.",
    file: `${OPENV}/delete.ts`,
    find: "from < jobIds.length",
    replace: "from < AT_ONCE",
    test: ALL_PAGES,
  },
  {
    name: "the form of a run's id in the webhook of an endpoint",
    guard: "A report with an id that Postgres cannot hold is refused, and is no error of ours.",
    file: `${OPENV}/webhook.ts`,
    find: "runIdField.safeParse(await runIdOf(context, body)).data",
    replace: "await runIdOf(context, body) ?? undefined",
    test: NEEDS_TOKEN,
  },
];
