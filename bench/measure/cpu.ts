/** A process of this machine: its parent, its name, and the CPU time that it and its ended children used. */
interface ProcessTime {
  pid: number;
  parent: number;
  name: string;
  milliseconds: number;
}

/** The system counts in hundredths of a second. */
const TICK_MS = 10;

/**
 * The CPU time that this process and those below it have used so far, in milliseconds, by part. `partOf` names the part of
 * a process that is one; a process that is none belongs to its parent's. Undefined where the system does not report it.
 */
export async function cpuTimes(
  partOf: (process: { pid: number; name: string }) => string | undefined,
): Promise<Map<string, number> | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const all = await readProcesses();
  const times = new Map<string, number>();
  const add = (process: ProcessTime, inherited: string): void => {
    const part = partOf(process) ?? inherited;
    times.set(part, (times.get(part) ?? 0) + process.milliseconds);
    for (const child of all.filter(({ parent }) => parent === process.pid)) add(child, part);
  };
  const own = all.find(({ pid }) => pid === Deno.pid);
  if (own) add(own, "other");
  return times;
}

async function readProcesses(): Promise<ProcessTime[]> {
  const entries = await Array.fromAsync(Deno.readDir("/proc"));
  const read = entries.filter(({ name }) => /^\d+$/.test(name)).map(async ({ name }) => {
    // A process may end while it is read.
    const text = await Deno.readTextFile(`/proc/${name}/stat`).catch(() => "");
    return readStat(text);
  });
  return (await Promise.all(read)).filter((process) => process !== undefined);
}

/** Reads a line of /proc/<pid>/stat. The name is in brackets and may hold any character. */
export function readStat(text: string): ProcessTime | undefined {
  const [, pid, name = "", rest = ""] = /^(\d+) \((.*)\) (.*)/s.exec(text) ?? [];
  if (pid === undefined) return undefined;
  const fields = rest.split(" ");
  // utime, stime, and both of the children that have ended.
  const ticks = fields.slice(11, 15).map(Number).reduce((sum, value) => sum + value, 0);
  return { pid: Number(pid), parent: Number(fields[1]), name, milliseconds: ticks * TICK_MS };
}
