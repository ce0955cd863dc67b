// The process that serves REST, Auth and Storage of a Postgres at DATABASE_URL, as a Supabase project does. Its own, so
// that its memory and CPU are not those of the functions. Prints one line of JSON when it listens.
import { rmSync } from "node:fs";
import { nameSigningKey } from "./auth-bridge.ts";
import { createFileStorage } from "./file-storage.ts";
import { announce, exitWithParent } from "./leash.ts";
import { serveStorage } from "./storage-bridge.ts";

// Gap: PostgREST outlives its database. The driver throws where nobody can catch it when a connection breaks that it was
// about to write to: https://github.com/porsager/postgres/issues/1154. The query has failed by itself then.
globalThis.addEventListener("error", (event) => {
  if (event.filename.endsWith("/postgres/src/connection.js")) event.preventDefault();
});

const storageFolder = read("STORAGE_FOLDER");
// From the first moment on, so that a parent that dies early leaves no folder either.
const parentGone = exitWithParent(() => {
  if (Deno.env.has("STORAGE_IS_TEMPORARY")) rmSync(storageFolder, { recursive: true, force: true });
});

// @supabase/lite reads both while it is imported.
Deno.env.set("EXPERIMENTAL_STORAGE", "1");
Deno.env.set("DO_NOT_TRACK", "1");
const [{ App }, { createPostgresConnection }] = await Promise.all([
  import("@supabase/lite"),
  import("@supabase/lite/postgres"),
]);

const signingKey = { kid: read("JWT_KEY_ID"), secret: read("JWT_SECRET") };
// Gap: lite turns JSON arguments into text, and its driver turns the text into JSON once more.
const json = { serialize: (value: unknown) => typeof value === "string" ? value : JSON.stringify(value) };
const toIsoTime = (time: string) => time.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
const connection = createPostgresConnection({
  url: read("DATABASE_URL"),
  postgresOptions: {
    max: 20,
    onnotice: () => {},
    types: {
      json: { to: 114, from: [114], parse: JSON.parse, ...json },
      jsonb: { to: 3802, from: [3802], parse: JSON.parse, ...json },
      // Gap: lite answers with times as PostgreSQL writes them, PostgREST in ISO 8601.
      timestamptz: { to: 1184, from: [1184], serialize: (time: unknown) => time, parse: toIsoTime },
    },
  },
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

async function serve(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.startsWith("/storage/v1/")) return await serveStorage(request, app.fetch);
  const response = await app.fetch(request);
  return pathname.startsWith("/auth/v1/") ? await nameSigningKey(response, signingKey) : response;
}

function read(name: string): string {
  const value = Deno.env.get(name);
  if (!value) throw new Error(`The variable ${name} is not set; local/stack.ts sets it.`);
  return value;
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, serve);
await announce(server.addr.port);
await parentGone;
