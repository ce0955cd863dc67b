// Whom the token of another identity provider makes its bearer.
import type { Mutation } from "./mutation.ts";

const SHARED = "supabase/functions/_shared";
const IDENTITIES = "supabase/migrations/20261121000115_identities.sql";
const FIRST_SIGHT = "supabase/migrations/20261121000135_first_sight.sql";
const identities = (name: string) => ({ file: "supabase/tests/identities.test.sql", name });
const tokens = (name: string) => ({ file: `${SHARED}/http/third-party-tokens_test.ts`, name });
const keys = (name: string) => ({ file: `${SHARED}/http/third-party-keys_test.ts`, name });
const users = (name: string) => ({ file: "tests/security/identity_test.ts", name });

export const identityMutations: readonly Mutation[] = [
  {
    name: "the issuer of the caller's token",
    guard: "A subject of another issuer that is a user's UUID is not that user.",
    file: IDENTITIES,
    find: "coalesce(claims ->> 'iss' like '%/auth/v1', true)",
    replace: "claims ->> 'sub' like '________-____-____-____-____________'",
    test: identities("a subject of another issuer that is the UUID of a user is not that user"),
  },
  {
    name: "the issuer of an identity",
    guard: "The same subject of two issuers is two users.",
    file: IDENTITIES,
    find: "where issuer = claims ->> 'iss' and subject",
    replace: "where subject",
    test: identities("a known subject of another issuer is nobody"),
  },
  {
    name: "the lock of a first sight",
    guard: "Several first requests at once make one user, and none of them fails.",
    file: FIRST_SIGHT,
    find: "  perform pg_advisory_xact_lock(hashtextextended(p_issuer || ' ' || p_subject, 1));\n",
    replace: "",
    test: users("a hundred first requests at once make one user, who is welcomed once"),
  },
  {
    name: "the usage of an identity that leaves",
    guard: "A limit holds for who leaves and comes back, also without an address.",
    file: FIRST_SIGHT,
    find: "  perform private.record_address(v_user_id, p_issuer || ' ' || p_subject);\n",
    replace: "",
    test: identities("also without an address"),
  },
  {
    name: "the identity of a deleted user",
    guard: "A user who was deleted has no identity that leads to an account without a row.",
    file: "supabase/migrations/20261121000370_account_deletion.sql",
    find: "  delete from private.external_identities where user_id = old.id;\n",
    replace: "",
    test: identities("a user whom the dashboard only marks as deleted loses the identity too"),
  },
  {
    name: "the issuer of a token of the project's keys",
    guard: "A token of an issuer that is not configured has no user of ours, whatever its subject.",
    file: `${SHARED}/http/authenticate.ts`,
    find: " || !isSupabaseIssuer(data.jwtClaims?.iss)",
    replace: "",
    test: {
      file: "tests/api/error_table_test.ts",
      name: "credentials that are not a user's own token are 401, on both endpoints",
    },
  },
  {
    name: "Supabase Auth as another issuer",
    guard: "The database and the functions agree on which issuers' subjects are ids of users.",
    file: `${SHARED}/runtime/environment.ts`,
    find: '!issuer.endsWith("/auth/v1")',
    replace: "true",
    test: {
      file: "tests/security/identity_tokens_test.ts",
      name: "https://ref.supabase.co/auth/v1 is no issuer: a wrong configuration",
    },
  },
  {
    name: "the confirmation of an address in a token",
    guard: "An address that nobody has confirmed gets no welcome credits.",
    file: `${SHARED}/http/third-party-tokens.ts`,
    find: '  email_verified: z.union([z.literal(true), z.literal("true")]),\n',
    replace: "",
    test: tokens("only a confirmed address is proven"),
  },
  {
    name: "the role of a token",
    guard: "Only users' tokens have a user.",
    file: `${SHARED}/http/third-party-tokens.ts`,
    find: '  role: z.literal("authenticated"),\n',
    replace: "",
    test: tokens("a token of the service role is refused"),
  },
  {
    name: "the audience of a token",
    guard: "A token for another app of the same issuer is not taken.",
    file: `${SHARED}/http/third-party-tokens.ts`,
    find: "this.#isForUs(claims.data) ? ",
    replace: "this ? ",
    test: tokens("where audiences are configured a token must have one, as aud or azp"),
  },
  {
    name: "the pause between two fetches of keys",
    guard: "Forged tokens do not become a flood of requests to the issuer.",
    file: `${SHARED}/http/third-party-keys.ts`,
    find: "    if (this.#fetching === null && this.now() - this.#triedAt < REFETCH_MS) return;\n",
    replace: "",
    test: tokens("a thousand forged key ids lead to one fetch in ten seconds"),
  },
  {
    name: "the issuer's own name in its discovery",
    guard: "The keys of one issuer do not verify the tokens of another.",
    file: `${SHARED}/http/third-party-keys.ts`,
    find: "    if (found.issuer !== this.issuer) throw new Error(`it names itself ${found.issuer}`);\n",
    replace: "",
    test: tokens("an issuer whose discovery names another issuer is not believed"),
  },
  {
    name: "the keys of a token's own issuer",
    guard: "One configured issuer cannot sign in the name of another.",
    file: `${SHARED}/http/third-party-tokens.ts`,
    find: "this.#keys.get(issuer)",
    replace: "[...this.#keys.values()].at(-1)",
    test: tokens("a token that another configured issuer has signed is refused, whichever key it names"),
  },
  {
    name: "the bound of a key set",
    guard: "An issuer's answer without an end does not fill the memory of a function.",
    file: `${SHARED}/http/third-party-keys.ts`,
    find: "await readStream(response.body, MOST_BYTES)",
    replace: "await readStream(response.body, 16 * MOST_BYTES)",
    test: keys("a key set that never ends is not read to its end"),
  },
  {
    name: "the refusal of an issuer's redirects",
    guard: "Nobody who can redirect an issuer's address chooses the keys, or the server that is asked.",
    file: `${SHARED}/http/third-party-keys.ts`,
    find: 'redirect: "error", ',
    replace: "",
    test: keys("a redirect of the issuer is not followed"),
  },
  {
    name: "the private network of an issuer's keys",
    guard: "A public issuer sends no function to a private address.",
    file: `${SHARED}/http/third-party-keys.ts`,
    find: "isPrivateHost(keys.hostname)",
    replace: "false",
    test: tokens("an issuer whose discovery has its keys in a private network is not believed"),
  },
  {
    name: "the end of a fetch of keys",
    guard: "An issuer that hangs does not let every request wait.",
    file: `${SHARED}/http/third-party-keys.ts`,
    find: "    this.#fetching ??= ",
    replace: "    const began = this.now();\n    this.#fetching ??= ",
    also: [{
      file: `${SHARED}/http/third-party-keys.ts`,
      find: "      this.#triedAt = this.now();\n",
      replace: "      this.#triedAt = began;\n",
    }],
    test: keys("an issuer that hangs lets a request wait once in ten seconds, and others not at all"),
  },
  {
    name: "the subject that the database can hold",
    guard: "A subject with control characters is refused, and never shown or stored.",
    file: `${SHARED}/http/third-party-tokens.ts`,
    find: ".regex(/^\\P{C}+$/u)",
    replace: "",
    test: tokens("a token with a subject that Postgres cannot hold is refused"),
  },
  {
    name: "the identity among the addresses that are welcomed",
    guard: "Who deletes the account and comes back with another address gets no second welcome credits.",
    file: "supabase/migrations/20261121000130_welcome.sql",
    find: "  where address_hmac in (select address_hmac from private.user_addresses where user_id = p_user_id);",
    replace: "  where address_hmac = private.address_hmac(p_address);",
    test: identities("who comes back with another address is not welcomed again"),
  },
  {
    name: "the anonymous user of another provider",
    guard: "Who is anonymous gets no welcome credits, whichever provider says so.",
    file: `${SHARED}/http/third-party-tokens.ts`,
    find: "  is_anonymous: z.literal(false).optional(),\n",
    replace: "",
    test: tokens("only a confirmed address is proven"),
  },
];
