// The process that serves REST, Auth, Storage and Realtime of the Postgres at DATABASE_URL, as a Supabase project does. It
// is a process of its own so that its memory and CPU are not counted as the functions'. Prints a line of JSON when it listens.
import { rmSync } from "node:fs";
import { createUser, nameSigningKey } from "./auth-bridge.ts";
import { createFileStorage } from "./file-storage.ts";
import { announcePort, exitWithParent } from "../machine/parent-process.ts";
import { createRealtime } from "./realtime/server.ts";
import { serveStorage } from "./storage-bridge.ts";
import { UserTokens } from "./user-tokens.ts";

// Gap: PostgREST survives the end of its database. lite's driver throws in an immediate, where it cannot be caught, when a
// connection breaks while it is about to write, and later answers are mixed up: https://github.com/porsager/postgres/issues/1154.
// So a pool that has lost a connection is dropped with its requests, and the next request gets a new pool.
// The driver's path has a version in Deno's cache, and none in node_modules.
const DRIVER = /\/postgres\/(\d[^/]*\/)?src\/connection\.js/;
const { setImmediate: runLater } = globalThis;
function runLaterSafely(callback: (...args: unknown[]) => void, ...args: unknown[]): NodeJS.Immediate {
  return runLater(() => {
    try {
      callback(...args);
    } catch (error) {
      if (!(error instanceof TypeError && DRIVER.test(error.stack ?? ""))) throw error;
    }
  });
}
globalThis.setImmediate = Object.assign(runLaterSafely, runLater);

const storageFolder = read("STORAGE_FOLDER");
// It starts first, so that a parent that ends early leaves no folder either.
const parentGone = exitWithParent(() => {
  if (Deno.env.has("STORAGE_IS_TEMPORARY")) rmSync(storageFolder, { recursive: true, force: true });
});

// @supabase/lite reads both while it is imported.
Deno.env.set("EXPERIMENTAL_STORAGE", "1");
Deno.env.set("DO_NOT_TRACK", "1");
const [{ App }, { createPostgresConnection }, { default: postgres }] = await Promise.all([
  import("@supabase/lite"),
  import("@supabase/lite/postgres"),
  import("postgres"),
]);

const signingKey = { kid: read("JWT_KEY_ID"), secret: read("JWT_SECRET") };
const userTokens = new UserTokens(signingKey);
// Gap: lite turns JSON arguments into text, and its driver turns the text into JSON once more.
const json = { serialize: (value: unknown) => typeof value === "string" ? value : JSON.stringify(value) };
const toIsoTime = (time: string) => time.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
const pool = {
  max: 20,
  max_lifetime: null,
  onnotice: () => {},
  types: {
    json: { to: 114, from: [114], parse: JSON.parse, ...json },
    jsonb: { to: 3802, from: [3802], parse: JSON.parse, ...json },
    // Gap: lite answers with a bigint as text, PostgREST as a number.
    bigint: { to: 20, from: [20], serialize: String, parse: Number },
    // Gap: lite answers with times as PostgreSQL writes them, PostgREST in ISO 8601.
    timestamptz: { to: 1184, from: [1184], serialize: (time: unknown) => time, parse: toIsoTime },
  },
};

const serveRealtime = createRealtime({
  databaseUrl: read("DATABASE_URL"),
  publishableKey: read("PUBLISHABLE_KEY"),
  secretKey: read("SECRET_KEY"),
  userTokens,
});

type Serve = (request: Request) => Promise<Response>;
let serveNow: Promise<Serve> | undefined;

/** PostgREST's own answer: https://docs.postgrest.org/en/stable/references/errors.html */
function unreachable(): Response {
  return Response.json({ code: "PGRST001", message: "The database cannot be reached" }, { status: 503 });
}

/** REST, Auth and Storage on one pool of connections, until one of these is lost. */
async function openApp(): Promise<Serve> {
  // Gap: lite takes a database that does not answer for one without tables and procedures, and continues.
  const probe = postgres(read("DATABASE_URL"), { max: 1 });
  await probe`select 1`.finally(() => probe.end());

  const underWay = new Set<(refusal: Response) => void>();
  const connection = createPostgresConnection({
    url: read("DATABASE_URL"),
    postgresOptions: { ...pool, onclose: lose },
  });
  // Gap: at its first request lite grants ALL on all tables to all roles, which undoes the migrations' revokes, unless
  // this field says that it has been done.
  Object.assign(connection, { rlsState: "active" });

  const app = new App({
    connection,
    api: { enabled: true, schemas: ["public"], max_rows: 1000 },
    auth: {
      enabled: true,
      jwt_secret: signingKey.secret,
      publishable_key: read("PUBLISHABLE_KEY"),
      secret_key: read("SECRET_KEY"),
      email: { enable_signup: true, enable_confirmations: false },
    },
    storage: { enabled: true, file_size_limit: "5GiB" },
    options: { server: { disableStudio: true } },
  });
  app._storageAdapter = createFileStorage(storageFolder);

  let isLost = false;
  function lose(): void {
    if (!isLost) serveNow = undefined;
    isLost = true;
    for (const refuse of underWay) refuse(unreachable());
    // Closes idle connections; a lost one never answers.
    connection.close().catch(() => {});
  }

  async function serve(request: Request): Promise<Response> {
    const { promise: refusal, resolve: refuse } = Promise.withResolvers<Response>();
    underWay.add(refuse);
    try {
      return await Promise.race([app.fetch(request), refusal]);
    } finally {
      underWay.delete(refuse);
    }
  }
  return serve;
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/realtime/v1/")) return serveRealtime(request);
  const opening = serveNow ??= openApp();
  const serve = await opening.catch(() => null);
  if (serve === null) {
    if (serveNow === opening) serveNow = undefined;
    return unreachable();
  }
  if (pathname === "/auth/v1/admin/users" && request.method === "POST") {
    return await createUser(request, serve, { secret: read("SECRET_KEY"), publishable: read("PUBLISHABLE_KEY") });
  }
  if (pathname.startsWith("/auth/v1/")) return await nameSigningKey(await serve(request), signingKey);
  const signed = await userTokens.signAnew(request);
  if (signed instanceof Response) return signed;
  return pathname.startsWith("/storage/v1/") ? await serveStorage(signed, serve, signingKey) : await serve(signed);
}

function read(name: string): string {
  const value = Deno.env.get(name);
  if (!value) throw new Error(`The variable ${name} is not set; local/stack/stack.ts sets it.`);
  return value;
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
await announcePort(server.addr.port);
await parentGone;
