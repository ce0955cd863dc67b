import { statfs } from "node:fs/promises";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { processesBelow, runningOf } from "../../local/machine/processes.ts";
import { projectPath } from "../../local/machine/project.ts";
import type { Postgres } from "../../local/postgres/postgres.ts";
import { PARENT_VARIABLE, TEMPLATE_VARIABLE } from "../support/database-template.ts";
import type { Selection } from "./test-files.ts";

/** How a run ended. */
export interface TestResult {
  code: number;
  /** How many tests were run, of how many files. */
  tests: number;
  files: number;
}

/** A run of tests that has begun. */
export interface TestRun {
  result: Promise<TestResult>;
  /** Ends the run early, with every database and stack that its tests started. */
  end(): Promise<void>;
}

/** The memory that Linux offers as a folder. */
const SHARED_MEMORY = "/dev/shm";
/** What the databases of three files at a time grow to, with their logs of changes. */
const ENOUGH_BYTES = 6 * 2 ** 30;

/** The stacks of a run that was ended stop by themselves, in this time at most. */
const END_LIMIT_MS = 20_000;

/** Starts a run of these tests. */
export async function startTests({ paths, options }: Selection): Promise<TestRun> {
  const report = await Deno.makeTempFile({ prefix: "reelmint-tests-", suffix: ".xml" });
  const database = paths.length === 0 ? await prepareTemplate() : undefined;
  const shuffle = options.some((option) => option.startsWith("--shuffle")) ? [] : ["--shuffle"];
  const child = new Deno.Command(Deno.execPath(), {
    // `task check` checks the types.
    args: [
      "test",
      "-A",
      ...DENO_FLAGS,
      "--no-check",
      "--parallel",
      ...shuffle,
      `--junit-path=${report}`,
      ...options,
      ...paths,
    ],
    cwd: projectPath("."),
    // Three files at a time, each with a whole stack of its own: of three, two keep two cores busy while one waits for a
    // process, a disk or a clock.
    env: { DENO_JOBS: "3", ...database?.variables },
  }).spawn();

  async function finish(): Promise<TestResult> {
    const { code } = await child.status;
    const text = await Deno.readTextFile(report);
    await Deno.remove(report);
    await database?.server.stop();
    return { code, ...countTests(text) };
  }

  const result = finish();
  let hasEnded = false;
  void result.finally(() => hasEnded = true);
  return {
    result,
    async end() {
      if (hasEnded) return;
      const started = await processesBelow(child.pid);
      child.kill("SIGTERM");
      await result;
      const limit = Date.now() + END_LIMIT_MS;
      while ((await runningOf(started)).length > 0 && Date.now() < limit) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
}

/** All tests start a hundred databases: to copy a prepared one takes each of them a third of the time. */
async function prepareTemplate(): Promise<{ server: Postgres; variables: Record<string, string> }> {
  // Imported only now: a run of few files does without it.
  const { startDatabase } = await import("../support/database.ts");
  const parent = await folderInMemory();
  const server = await startDatabase(parent);
  const template = { [TEMPLATE_VARIABLE]: await server.shutDown() };
  return { server, variables: parent === undefined ? template : { ...template, [PARENT_VARIABLE]: parent } };
}

/** A copy in memory takes a tenth of the time of one on a disk, for it is of a thousand files. */
async function folderInMemory(): Promise<string | undefined> {
  const { bavail, bsize } = await statfs(SHARED_MEMORY).catch(() => ({ bavail: 0, bsize: 0 }));
  return bavail * bsize < ENOUGH_BYTES ? undefined : SHARED_MEMORY;
}

/** Counts the tests in a report in JUnit's format. A test that was left out has no time, a step has its test's name too. */
function countTests(report: string): { tests: number; files: number } {
  const counts = report.split("<testsuite ").slice(1)
    .map((suite) => suite.match(/<testcase name="(?:(?! &gt; )[^"])*" [^>]*\btime="/g)?.length ?? 0).filter((count) =>
      count > 0
    );
  return { tests: counts.reduce((sum, count) => sum + count, 0), files: counts.length };
}
