import { kill } from "node:process";

/** A process outlives its launcher for this long at most. */
const INTERVAL_MS = 1000;

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/**
 * Calls back when one of the processes that launched this one is gone: `deno task`, and the shell and the `npx` above it.
 * A killed `npx` sends no signal, and `deno task` would continue without it.
 */
export async function watchLauncher(onGone: () => void): Promise<void> {
  const launchers = await findLaunchers();
  if (launchers.length === 0) return;
  const timer = setInterval(() => {
    if (launchers.every(isAlive)) return;
    clearInterval(timer);
    onGone();
  }, INTERVAL_MS);
  Deno.unrefTimer(timer);
}

/** The processes from `deno task` up to `npx`. None where this process was started in another way. */
async function findLaunchers(): Promise<number[]> {
  const chain: Process[] = [];
  for (let pid = Deno.ppid; pid > 1 && chain.length < 5;) {
    const found = await readProcess(pid);
    if (found === undefined) break;
    chain.push(found);
    pid = found.parent;
  }
  if (!/\bdeno\S* task\b/.test(chain[0]?.command ?? "")) return [];
  const npx = chain.findIndex(({ command }) => /\bnpx\b|\bnpm exec\b|npx-cli/.test(command));
  return chain.slice(0, npx === -1 ? 1 : npx + 1).map(({ pid }) => pid);
}

async function readProcess(pid: number): Promise<Process | undefined> {
  const ps = new Deno.Command("ps", { args: ["-o", "ppid=,args=", "-p", `${pid}`], stderr: "null" });
  const output = await ps.output().catch(() => undefined);
  const [, parent, command] = /^\s*(\d+)\s+(.*)/.exec(new TextDecoder().decode(output?.stdout)) ?? [];
  return parent === undefined || command === undefined ? undefined : { pid, parent: Number(parent), command };
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks whether the process exists.
    return kill(pid, 0);
  } catch {
    return false;
  }
}
