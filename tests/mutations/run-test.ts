import postgres from "postgres";
import { prepareDatabase } from "../../local/postgres/database.ts";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { BrokenOff, loadPgTap, runPgTap } from "../support/pgtap.ts";
import type { NamedTest } from "./mutation.ts";

/** What became of one named test; `not run`: the file ended, or never began, without a word on it. */
export type Outcome = { outcome: "passed" } | { outcome: "failed" } | { outcome: "not run"; why: string };

/** Runs single tests of a copy of the project. */
export interface TestRunner {
  run(folder: string, test: NamedTest): Promise<Outcome>;
  stop(): Promise<void>;
}

/** A test that takes longer than this hangs. */
const TIME_LIMIT_MS = 120_000;

/** Starts a runner; the files of claims share one database server. */
export async function startTestRunner(): Promise<TestRunner> {
  const server = await startPostgres();
  const template = new URL(server.url);
  template.pathname = "/prepared";
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
  // Everything here is thrown away: nothing has to reach the disk.
  await admin`alter system set fsync = off`;
  await admin`select pg_reload_conf()`;
  await admin`create database prepared`;
  // What every Supabase project has; the migrations are what is mutated.
  const none = await Deno.makeTempDir();
  await prepareDatabase(template.href, { migrations: none, seed: `${none}/none.sql` });
  await Deno.remove(none);
  await loadPgTap(template.href);
  let last: Promise<unknown> = Promise.resolve();
  let count = 0;

  /** One at a time: the roles belong to all databases of the server. */
  function prepare(url: string, folder: string): Promise<unknown> {
    const files = { migrations: `${folder}/supabase/migrations`, seed: `${folder}/supabase/seed.sql` };
    return last = last.catch(() => {}).then(() => prepareDatabase(url, files));
  }

  async function runClaim(folder: string, test: NamedTest): Promise<Outcome> {
    const database = `copy_${++count}`;
    const url = new URL(`/${database}`, server.url).href;
    await admin.unsafe(`create database ${database} template prepared`);
    try {
      await prepare(url, folder);
      return await judgeClaim(url, `${folder}/${test.file}`, test.name);
    } catch (error) {
      return { outcome: "not run", why: String(error) };
    } finally {
      await admin.unsafe(`drop database ${database} with (force)`);
    }
  }

  return {
    run: (folder, test) => isClaim(test) ? runClaim(folder, test) : runDenoTest(folder, test),
    async stop() {
      await admin.end();
      await server.stop();
    },
  };
}

/** Whether a test is a claim of a pgTAP file, which a database is enough for. */
export function isClaim(test: NamedTest): boolean {
  return test.file.endsWith(".sql");
}

/** A claim fails where it says so, and where the statement that makes it is refused. */
async function judgeClaim(url: string, path: string, claim: string): Promise<Outcome> {
  try {
    return outcomeOf(await runPgTap(url, path), claim);
  } catch (error) {
    if (!(error instanceof BrokenOff)) throw error;
    const judged = outcomeOf(error.lines, claim);
    const refused = error.statement.replaceAll("''", "'").includes(claim);
    if (judged.outcome !== "not run") return judged;
    return refused ? { outcome: "failed" } : { outcome: "not run", why: error.message };
  }
}

async function runDenoTest(folder: string, { file, name }: NamedTest): Promise<Outcome> {
  const filter = `/^${name.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$/`;
  const deno = new Deno.Command(Deno.execPath(), {
    args: ["test", ...DENO_FLAGS, "--allow-all", "--no-check", "--reporter=tap", `--filter=${filter}`, file],
    cwd: folder,
    env: { NO_COLOR: "1" },
    signal: AbortSignal.timeout(TIME_LIMIT_MS),
  });
  const { stdout, stderr } = await deno.output();
  const judged = outcomeOf(new TextDecoder().decode(stdout).split("\n"), name);
  return judged.outcome === "not run"
    ? { outcome: "not run", why: new TextDecoder().decode(stderr) || judged.why }
    : judged;
}

/** Reads one test's lines of a Test Anything Protocol. */
function outcomeOf(lines: string[], name: string): Outcome {
  const found = lines.flatMap((line) => {
    const [, not, told] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    return told?.replaceAll(/\\(.)/g, "$1") === name ? [not === undefined] : [];
  });
  if (found.length === 0) return { outcome: "not run", why: "No such test was run" };
  return { outcome: found.every((passed) => passed) ? "passed" : "failed" };
}
