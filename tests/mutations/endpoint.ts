// What every endpoint refuses, and which addresses are fetched.
import type { Mutation } from "./mutation.ts";

const SHARED = "supabase/functions/_shared";
const WEBHOOK = "supabase/functions/provider-webhook/handler.ts";
const endpoint = (name: string) => ({ file: "tests/api/endpoint_test.ts", name });
const images = (name: string) => ({ file: `${SHARED}/providers/veo/veo-image_test.ts`, name });

const TOKEN_CHECK =
  "  if (!await isWebhookToken(address.token, address.provider, address)) throw refused(context, address);\n";
const READ_BODY = "  const body = await readBytes(request, BODY_LIMIT_BYTES);\n";

export const endpointMutations: readonly Mutation[] = [
  {
    name: "the paths below an endpoint",
    guard: "A misspelt path charges no user.",
    file: `${SHARED}/http/endpoint.ts`,
    find: 'if (!options.hasPaths && pathBelow(request).length > 0) throw new RequestError("not_found");',
    replace: "",
    test: endpoint("POST generate-video/foo is 404 and changes nothing"),
  },
  {
    name: "the paths below those of the transitions",
    guard: "A misspelt path charges no user.",
    file: "supabase/functions/transitions/handler.ts",
    find: '  if (id !== undefined) throw new RequestError("not_found");\n',
    replace: "",
    test: endpoint("POST transitions/create-and-generate/more/ is 404 and changes nothing"),
  },
  {
    name: "two tokens at once",
    guard: "A request has one user, and not one of two.",
    file: `${SHARED}/http/authenticate.ts`,
    find: 'if (request.headers.get("authorization")?.includes(",")) throw new RequestError("unauthorized");',
    replace: 'const [only = ""] = (request.headers.get("authorization") ?? "").split(",");\n' +
      "  request = new Request(request, { headers: { ...Object.fromEntries(request.headers), authorization: only } });",
    test: endpoint("two Authorization headers are 401, whichever of them is good"),
  },
  {
    name: "a parameter that comes twice",
    guard: "A parameter has one value, and not one of two.",
    file: `${SHARED}/http/query.ts`,
    find: "if (repeated.length > 0) {",
    replace: "if (false) {",
    test: endpoint("a query parameter that comes twice is 400, by its name"),
  },
  {
    name: "the token of a webhook before its body",
    guard: "The megabytes of an unknown caller are not read.",
    file: WEBHOOK,
    find: TOKEN_CHECK + READ_BODY,
    replace: READ_BODY + TOKEN_CHECK,
    test: {
      file: "tests/api/webhook_test.ts",
      name: "a webhook without our token is refused before its body is read",
    },
  },
  {
    name: "the spelling of an address",
    guard: "What was checked is what is fetched, also by a parser that reads other spellings otherwise.",
    file: `${SHARED}/http/video-fields.ts`,
    find: "  .transform((value) => new URL(value).href)\n",
    replace: "",
    test: {
      file: `${SHARED}/http/video-fields_test.ts`,
      name: 'the address "https:\\\\\\\\example.com\\\\a.png" is kept as https://example.com/a.png',
    },
  },
  {
    name: "the address behind a name",
    guard: "A public name that leads to a private host is not fetched.",
    file: `${SHARED}/providers/media.ts`,
    find: "    await requirePublic(current, options);\n",
    replace: "",
    test: images("an image whose host resolves to 10.0.0.1 is not fetched, and nothing is submitted"),
  },
  {
    name: "the address behind the name of a redirect",
    guard: "A public host does not lead us to a private one.",
    file: `${SHARED}/providers/media.ts`,
    find: "    await requirePublic(current, options);\n",
    replace: "    if (redirects === 0) await requirePublic(current, options);\n",
    test: images("an image that redirects to a name of a private host is not followed"),
  },
];
