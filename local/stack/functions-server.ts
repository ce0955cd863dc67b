// The process that serves the edge functions as the hosted runtime does: each folder's default export gets the requests
// below its name. It imports nothing else, so that it runs on the older Deno of the hosted runtime too.
// Prints one line of JSON when it listens.
import { fileURLToPath } from "node:url";
import { announcePort, exitWithParent } from "../machine/parent-process.ts";

interface EdgeFunction {
  fetch(request: Request): Response | Promise<Response>;
}

const folder = Deno.env.get("FUNCTIONS_FOLDER") ?? fileURLToPath(new URL("../../supabase/functions", import.meta.url));
const loaded = new Map<string, Promise<EdgeFunction>>();
for (const { isDirectory, name } of Deno.readDirSync(folder)) {
  // An import that failed is reported by each request that needs it.
  if (isDirectory && !name.startsWith("_")) loaded.set(name, load(name));
}
/** Requests under way, and their background work. */
const busy = new Set<Promise<unknown>>();
/** The background work alone. */
const background = new Set<Promise<unknown>>();
// The hosted runtime has this function for work that continues after an answer.
Object.assign(globalThis, {
  EdgeRuntime: { waitUntil: (work: Promise<unknown>) => track(track(work), background) },
});
await Promise.allSettled(loaded.values());

async function load(name: string): Promise<EdgeFunction> {
  const module: { default?: unknown } = await import(`file://${folder}/${name}/index.ts`);
  if (!isEdgeFunction(module.default)) throw new Error(`${name}/index.ts has no default export with a fetch method.`);
  return module.default;
}

function isEdgeFunction(value: unknown): value is EdgeFunction {
  return typeof value === "object" && value !== null && "fetch" in value && typeof value.fetch === "function";
}

async function serve(request: Request): Promise<Response> {
  const name = new URL(request.url).pathname.split("/")[1] ?? "";
  const found = loaded.get(name);
  if (!found) return answer(404, "NOT_FOUND", "Requested function was not found");
  try {
    return await (await found).fetch(request);
  } catch (error) {
    const detail = error instanceof Error ? error.stack ?? error.message : String(error);
    await Deno.stderr.write(new TextEncoder().encode(`The function ${name} failed: ${detail}\n`));
    return answer(500, "WORKER_ERROR", "The function failed; see its log");
  }
}

function answer(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status, headers: { "access-control-allow-origin": "*" } });
}

function track<Result>(work: Promise<Result>, among = busy): Promise<Result> {
  among.add(work);
  void work.finally(() => among.delete(work));
  return work;
}

/** Answers as soon as none of this is under way. No function has these names. */
async function rest(among: Set<Promise<unknown>>): Promise<Response> {
  while (among.size > 0) await Promise.allSettled(among);
  return new Response(null, { status: 204 });
}

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/_rest") return rest(busy);
    return pathname === "/_background" ? rest(background) : track(serve(request));
  },
);
await announcePort(server.addr.port);
await exitWithParent();
