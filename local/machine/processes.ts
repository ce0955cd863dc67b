/** One process of this machine. */
interface Process {
  pid: number;
  parent: number;
  /** The process has ended, and its parent has not read its exit code yet. */
  isZombie: boolean;
}

/** The processes that a process started, and those that these started. */
export async function processesBelow(root: number): Promise<number[]> {
  const all = await listProcesses();
  const below = (parent: number): number[] =>
    all.filter((process) => process.parent === parent).flatMap(({ pid }) => [pid, ...below(pid)]);
  return below(root);
}

/** Which of these processes have not ended. */
export async function runningOf(pids: readonly number[]): Promise<number[]> {
  const all = await listProcesses();
  return pids.filter((pid) => all.some((process) => process.pid === pid && !process.isZombie));
}

async function listProcesses(): Promise<Process[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-e", "-o", "pid=,ppid=,stat="] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").map((line) => {
    const [pid, parent, state = ""] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), isZombie: state.startsWith("Z") };
  });
}
