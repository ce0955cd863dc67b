// Runs `@ffmpeg/core` for `wasm-runner.ts`, one request after another: `POST /` with a form of the command and its inputs.
import { announcePort, exitWithParent } from "../../machine/parent-process.ts";

/** The part of the package's interface that is used here. */
interface Core {
  FS: {
    mkdir(path: string): void;
    writeFile(path: string, bytes: Uint8Array): void;
    readFile(path: string): Uint8Array<ArrayBuffer>;
    analyzePath(path: string): { exists: boolean };
  };
  setLogger(logger: (line: { message: string }) => void): void;
  setTimeout(milliseconds: number): void;
  exec(...args: string[]): number;
}

interface Settings {
  instantiateWasm(
    imports: WebAssembly.Imports,
    done: (instance: WebAssembly.Instance) => void,
  ): Record<string, never>;
}

/** Beyond it a run fails. The package itself would take two gigabytes. */
const MEMORY_LIMIT_BYTES = 2 ** 30;
const PACKAGE_MEMORY_LIMIT = "getHeapMax(){return 2147483648}";

const [folder = ""] = Deno.args;
const wasm = await WebAssembly.compile(await Deno.readFile(`${folder}esm/ffmpeg-core.wasm`));
const createCore = await loadCore();
const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
await announcePort(server.addr.port);
await exitWithParent();

/** The package expects a browser's worker, and finds its files beside its own address. */
async function loadCore(): Promise<(settings: Settings) => Promise<Core>> {
  const text = await Deno.readTextFile(`${folder}esm/ffmpeg-core.js`);
  if (!text.includes(PACKAGE_MEMORY_LIMIT)) throw new Error("@ffmpeg/core has changed: its memory cannot be limited");
  const limited = text.replace(PACKAGE_MEMORY_LIMIT, `getHeapMax(){return ${MEMORY_LIMIT_BYTES}}`);
  Object.assign(globalThis, { self: globalThis, location: { href: "http://localhost/ffmpeg-core.js" } });
  const url = URL.createObjectURL(new Blob([limited], { type: "text/javascript" }));
  return (await import(url)).default;
}

/** Each run has a new instance: no file and no setting of an earlier one. */
function newCore(): Promise<Core> {
  return createCore({
    instantiateWasm(imports, done) {
      WebAssembly.instantiate(wasm, imports).then(done);
      return {};
    },
  });
}

async function answer(request: Request): Promise<Response> {
  const form = await request.formData();
  const command = JSON.parse(String(form.get("command")));
  const core = await newCore();
  const log: string[] = [];
  core.setLogger(({ message }) => log.push(message));
  for (const file of form.getAll("input")) {
    if (file instanceof File) writeInput(core, file.name, await file.bytes());
  }
  const reply = new FormData();
  const failure = runCommand(core, command) ?? addOutputs(core, command.outputs, reply);
  reply.set("answer", JSON.stringify({ failure, log: log.join("\n") }));
  return new Response(reply);
}

function writeInput({ FS }: Core, name: string, bytes: Uint8Array): void {
  const [first = "", second] = name.split("/");
  if (second !== undefined && !FS.analyzePath(first).exists) FS.mkdir(first);
  FS.writeFile(name, bytes);
}

function runCommand(core: Core, command: { arguments: string[]; timeoutSeconds: number }): string | null {
  const started = performance.now();
  core.setTimeout(command.timeoutSeconds * 1000);
  try {
    const code = core.exec(...command.arguments);
    if (performance.now() - started > command.timeoutSeconds * 1000) {
      return `It took longer than ${command.timeoutSeconds} s`;
    }
    return code === 0 ? null : `It ended with code ${code}`;
  } catch (error) {
    return `It crashed: ${error}`;
  }
}

function addOutputs({ FS }: Core, names: string[], reply: FormData): string | null {
  for (const name of names) {
    if (!FS.analyzePath(name).exists) return `It wrote no ${name}`;
    reply.append("output", new Blob([FS.readFile(name)]), name);
  }
  return null;
}
