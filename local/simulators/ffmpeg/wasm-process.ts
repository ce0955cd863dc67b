// Runs `@ffmpeg/core` for `wasm-runner.ts`, one request after another: `POST /` with a form of the command and its inputs.
// The runs are in a thread of their own, because a run blocks its thread: this one must still see that its parent has
// ended, and that a run takes too long. Both end the process, whatever the run does.
import { announcePort, exitWithParent } from "../../machine/parent-process.ts";
import type { WasmResult, WasmRun } from "./wasm-worker.ts";

const { port1: runs, port2: port } = new MessageChannel();
const worker = new Worker(new URL("./wasm-worker.ts", import.meta.url), { type: "module" });
worker.postMessage(null, [port]);
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
const parentEnds = exitWithParent();
// Loading takes longer than a short run may.
await new Promise((resolve) => runs.onmessage = resolve);
await announcePort(server.addr.port);
await parentEnds;

async function answer(request: Request): Promise<Response> {
  const form = await request.formData();
  const { timeoutSeconds, ...command } = JSON.parse(String(form.get("command")));
  const files = form.getAll("input").filter((file) => file instanceof File);
  const inputs = await Promise.all(
    files.map(async (file): Promise<[string, Uint8Array]> => [file.name, await file.bytes()]),
  );
  const timer = setTimeout(() => Deno.exit(1), timeoutSeconds * 1000);
  const { failure, log, outputs } = await run({ ...command, inputs });
  clearTimeout(timer);
  const reply = new FormData();
  reply.set("answer", JSON.stringify({ failure, log }));
  for (const [name, bytes] of outputs) reply.append("output", new Blob([bytes]), name);
  return new Response(reply);
}

function run(command: WasmRun): Promise<WasmResult> {
  const { promise, resolve } = Promise.withResolvers<WasmResult>();
  runs.onmessage = ({ data }: MessageEvent<WasmResult>) => resolve(data);
  runs.postMessage(command);
  return promise;
}
