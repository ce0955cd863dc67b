// A provider that answers at once, with the paths of fal's queue. It is a process of its own, so that its work is not
// counted as that of the load. Prints one line of JSON when it listens.
import { announcePort, exitWithParent } from "../../local/machine/parent-process.ts";

const read = (name: string) => Deno.readFile(new URL(`../../local/simulators/shared/${name}`, import.meta.url));
const [sample, image] = await Promise.all([read("sample.mp4"), read("sample.jpg")]);

/** What `PUT /_settings` changes. */
const settings = { endless: false, fileBytes: sample.length, lookMs: 0 };
const counts = { submissions: 0, checks: 0, results: 0, files: 0 };
let origin = "";
let file = sample;

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/_settings") {
    Object.assign(settings, await request.json());
    file = new Uint8Array(Math.max(sample.length, settings.fileBytes));
    file.set(sample);
    return Response.json(settings);
  }
  if (pathname === "/_counts") return Response.json(counts);
  if (pathname === "/file.mp4") {
    counts.files++;
    return new Response(file, { headers: { "content-type": "video/mp4", "content-length": String(file.length) } });
  }
  if (pathname === "/image.jpg") return new Response(image, { headers: { "content-type": "image/jpeg" } });
  if (request.method === "POST") {
    counts.submissions++;
    await request.body?.cancel();
    return Response.json({ request_id: crypto.randomUUID(), status: "IN_QUEUE" });
  }
  const [, id = "", tail] = /\/requests\/([^/]+)(\/status)?$/.exec(pathname) ?? [];
  if (tail !== undefined) {
    counts.checks++;
    if (settings.lookMs > 0) await new Promise((resolve) => setTimeout(resolve, settings.lookMs));
    return Response.json({ status: settings.endless ? "IN_PROGRESS" : "COMPLETED", request_id: id });
  }
  counts.results++;
  return Response.json({ video: { url: `${origin}/file.mp4` }, images: [{ url: `${origin}/image.jpg` }] });
}

const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
origin = `http://127.0.0.1:${server.addr.port}`;
await announcePort(server.addr.port);
await exitWithParent();
