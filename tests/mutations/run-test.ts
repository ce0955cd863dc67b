import postgres from "postgres";
import { prepareDatabase } from "../../local/postgres/database.ts";
import { DENO_FLAGS } from "../../local/machine/deno-flags.ts";
import { startPostgres } from "../../local/postgres/postgres.ts";
import { BrokenOff, loadPgTap, readTests, runPgTap } from "../support/pgtap.ts";
import type { NamedTest } from "./mutation.ts";

/** What became of one named test; `not run`: its file does not report it. */
export type Outcome = { outcome: "passed" } | { outcome: "failed" } | { outcome: "not run"; why: string };

/** Runs single tests of a copy of the project. */
export interface TestRunner {
  run(folder: string, test: NamedTest): Promise<Outcome>;
  stop(): Promise<void>;
}

/** A test that takes longer than this has stopped. */
const TIME_LIMIT_MS = 120_000;

/** Starts a runner; the pgTAP files share one database server. */
export async function startTestRunner(): Promise<TestRunner> {
  const server = await startPostgres();
  const template = new URL(server.url);
  template.pathname = "/prepared";
  const admin = postgres(server.url, { max: 1, onnotice: () => {} });
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

  async function runPgTapTest(folder: string, test: NamedTest): Promise<Outcome> {
    const database = `copy_${++count}`;
    const url = new URL(`/${database}`, server.url).href;
    await admin.unsafe(`create database ${database} template prepared`);
    try {
      await prepare(url, folder);
      return await judgePgTap(url, `${folder}/${test.file}`, test.name);
    } catch (error) {
      return { outcome: "not run", why: String(error) };
    } finally {
      await admin.unsafe(`drop database ${database} with (force)`);
    }
  }

  return {
    run: (folder, test) => isPgTap(test) ? runPgTapTest(folder, test) : runDenoTest(folder, test),
    async stop() {
      await admin.end();
      await server.stop();
    },
  };
}

/** Whether a test is one of a pgTAP file, which needs nothing but a database. */
export function isPgTap(test: NamedTest): boolean {
  return test.file.endsWith(".sql");
}

/** A pgTAP test fails where its line says so, and where its own statement is refused. */
async function judgePgTap(url: string, path: string, name: string): Promise<Outcome> {
  try {
    return outcomeOf(await runPgTap(url, path), name);
  } catch (error) {
    if (!(error instanceof BrokenOff)) throw error;
    const judged = outcomeOf(error.lines, name);
    const refused = error.statement.replaceAll("''", "'").includes(name);
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
  const found = readTests(lines).filter((test) => test.name === name);
  if (found.length === 0) return { outcome: "not run", why: "No such test was run" };
  return { outcome: found.every(({ passed }) => passed) ? "passed" : "failed" };
}
