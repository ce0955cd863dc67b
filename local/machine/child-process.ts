/** A program that prints one line `{ port, pid }` when it listens, and ends when its standard input closes. */
export interface ChildOptions {
  name: string;
  command: string;
  args: string[];
  environment: Record<string, string>;
  /** Called with each line that the program writes after the first. */
  onLog?: ((line: string) => void) | undefined;
}

/** A running program of ours. */
export interface Child {
  port: number;
  pid: number;
  /** The last lines that it wrote. */
  log: readonly string[];
  /** Ends it by closing its standard input. Resolves when it has ended. */
  stop(): Promise<void>;
  /** Kills it as a crash would. Resolves when it has ended. */
  kill(): Promise<void>;
}

const LINES_KEPT = 10_000;

/** Starts a program and waits until it listens. It ends with this process, however this process ends. */
export async function startChild({ name, command, args, environment, onLog }: ChildOptions): Promise<Child> {
  const process = new Deno.Command(command, {
    args,
    env: environment,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    // Ctrl-C must reach the parent alone, which stops its children in order.
    detached: true,
  }).spawn();

  const { promise: listening, resolve, reject } = Promise.withResolvers<{ port: number; pid: number }>();
  let ready = false;
  const log: string[] = [];
  function takeLine(line: string): void {
    const announcement = ready ? undefined : readAnnouncement(line);
    if (announcement) {
      ready = true;
      return resolve(announcement);
    }
    log.push(line);
    if (log.length > LINES_KEPT) log.shift();
    onLog?.(line);
  }
  const output = Promise.all([readLines(process.stdout, takeLine), readLines(process.stderr, takeLine)]);
  const gone = Promise.all([process.status, output]).then(([{ code }]) => {
    reject(new Error(`The ${name} ended with code ${code} before it listened:\n${log.join("\n")}`));
  });

  const { port, pid } = await listening;
  return {
    port,
    pid,
    log,
    async stop() {
      await process.stdin.close().catch(() => {});
      await gone;
    },
    async kill() {
      // Not `process.pid`: where `npx` runs the program, that is the id of `npx`.
      Deno.kill(pid, "SIGKILL");
      await gone;
    },
  };
}

async function readLines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  }
  if (rest !== "") take(rest);
}

function readAnnouncement(line: string): { port: number; pid: number } | undefined {
  const [, port, pid] = /^\{"port":(\d+),"pid":(\d+)\}$/.exec(line) ?? [];
  return port === undefined || pid === undefined ? undefined : { port: Number(port), pid: Number(pid) };
}
