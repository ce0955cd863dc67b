// Runs `@ffmpeg/core` in a thread of `wasm-process.ts`: a run blocks its thread until it ends, and a broken one never does.

/** A run as this thread gets it from its port. */
export interface WasmRun {
  arguments: string[];
  inputs: [name: string, bytes: Uint8Array][];
  outputs: string[];
}

/** What a run came to. */
export interface WasmResult {
  failure: string | null;
  log: string;
  outputs: [name: string, bytes: Uint8Array<ArrayBuffer>][];
}

/** The part of the package's interface that is used here. */
interface Core {
  FS: {
    mkdir(path: string): void;
    writeFile(path: string, bytes: Uint8Array): void;
    readFile(path: string): Uint8Array<ArrayBuffer>;
    analyzePath(path: string): { exists: boolean };
  };
  setLogger(logger: (line: { message: string }) => void): void;
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
const loaded = Promise.withResolvers<void>();
// The first message is the port of all others: a worker's own `postMessage` has another type than a window's.
addEventListener("message", (event) => {
  const port = event instanceof MessageEvent ? event.ports[0] : undefined;
  if (port === undefined) return;
  loaded.promise.then(() => port.postMessage("loaded"));
  port.onmessage = async ({ data }: MessageEvent<WasmRun>) => port.postMessage(await run(data));
});
// Only now: messages that come before the listener are lost.
const wasm = await WebAssembly.compile(await Deno.readFile(`${folder}esm/ffmpeg-core.wasm`));
const createCore = await loadCore();
loaded.resolve();

/** The package expects a browser's worker, and finds its files beside its own address. */
async function loadCore(): Promise<(settings: Settings) => Promise<Core>> {
  const text = await Deno.readTextFile(`${folder}esm/ffmpeg-core.js`);
  if (!text.includes(PACKAGE_MEMORY_LIMIT)) throw new Error("@ffmpeg/core has changed: its memory cannot be limited");
  const limited = text.replace(PACKAGE_MEMORY_LIMIT, `getHeapMax(){return ${MEMORY_LIMIT_BYTES}}`);
  Object.defineProperty(globalThis, "location", { value: { href: "http://localhost/ffmpeg-core.js" } });
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

async function run({ arguments: args, inputs, outputs }: WasmRun): Promise<WasmResult> {
  const core = await newCore();
  const log: string[] = [];
  core.setLogger(({ message }) => log.push(message));
  for (const [name, bytes] of inputs) writeInput(core, name, bytes);
  const failure = execute(core, args);
  const result = failure === null ? readOutputs(core, outputs) : { failure, outputs: [] };
  return { ...result, log: log.join("\n") };
}

function writeInput({ FS }: Core, name: string, bytes: Uint8Array): void {
  const [first = "", second] = name.split("/");
  if (second !== undefined && !FS.analyzePath(first).exists) FS.mkdir(first);
  FS.writeFile(name, bytes);
}

function execute(core: Core, args: string[]): string | null {
  try {
    const code = core.exec(...args);
    return code === 0 ? null : `It ended with code ${code}`;
  } catch (error) {
    return `It crashed: ${error}`;
  }
}

function readOutputs({ FS }: Core, names: string[]): Omit<WasmResult, "log"> {
  const missing = names.find((name) => !FS.analyzePath(name).exists);
  if (missing !== undefined) return { failure: `It wrote no ${missing}`, outputs: [] };
  return { failure: null, outputs: names.map((name) => [name, FS.readFile(name)]) };
}
