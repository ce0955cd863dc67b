import postgres from "postgres";
import { type FunctionsProcess, startFunctions } from "../../local/stack/functions-process.ts";
import { projectPath } from "../../local/machine/project.ts";
import { type Stack, type StackOptions, startStack } from "../../local/stack/stack.ts";
import { signToken, toJwks } from "../../local/supabase/tokens.ts";
import type { Effort } from "../measure/benchmark.ts";
import { cpuTimes } from "../measure/cpu.ts";
import { waitForDisk } from "./fsync.ts";
import { type Load, startLoad } from "./load.ts";
import { CREDITS, insertUsers, liftLimits } from "./users.ts";
import { type InstantProvider, startInstantProvider } from "./provider.ts";

/** A user with a token, and with credits for every benchmark. */
export interface BenchUser {
  id: string;
  token: string;
}

/** One stack with our functions and the opponents' beside them: the same Postgres, REST, Storage and provider. */
export interface BenchStack extends Omit<Stack, "stop"> {
  sql: postgres.Sql;
  load: Load;
  provider: InstantProvider;
  /** Where our functions are, and the opponents'. The load goes there without the gateway, on both sides. */
  ours: string;
  theirs: string;
  opponents: FunctionsProcess;
  /** The token of a user. */
  tokenOf(userId: string): string;
  /** Makes users. */
  users(count: number): Promise<BenchUser[]>;
  /** The CPU time of each part so far, in milliseconds; empty where the system does not report it. */
  cpu(): Promise<Map<string, number>>;
  /** The version of PostgreSQL. */
  version: string;
}

const TOKEN_SECONDS = 24 * 60 * 60;
export interface BenchStackOptions extends StackOptions {
  /** Whether our functions call the simulator of fal, whose runs take time, instead of the provider that answers at once. */
  simulatesFal?: boolean;
}

/** Starts a stack, does the work with it, and stops it. */
export async function withBenchStack<Result>(
  { onProgress, fsync }: Pick<Effort, "onProgress" | "fsync">,
  work: (stack: BenchStack) => Promise<Result>,
  { simulatesFal = false, ...options }: BenchStackOptions = {},
): Promise<Result> {
  const parts: { stop(): Promise<void> }[] = [];
  const keep = <Part extends { stop(): Promise<void> }>(part: Part): Part => {
    parts.unshift(part);
    return part;
  };
  try {
    onProgress("Starting the stack");
    const provider = keep(await startInstantProvider());
    const calls = { FAL_KEY: "bench:key", FAL_QUEUE_URL: provider.url };
    const stack = keep(await startStack({ ...options, functionsEnvironment: simulatesFal ? {} : calls }));
    const sql = postgres(stack.databaseUrl, { max: 4, onnotice: () => {} });
    keep({ stop: () => sql.end() });
    await liftLimits(sql);
    if (fsync) await waitForDisk(sql);
    await sql.unsafe(await Deno.readTextFile(projectPath("bench/opponents/tables.sql")));
    const opponents = keep(await startOpponents(stack, calls));
    const load = keep(startLoad());
    const [{ server_version: version } = {}] = await sql`show server_version`;
    const { stop: _, ...rest } = stack;
    return await work({
      ...rest,
      sql,
      load,
      provider,
      opponents,
      ours: `http://127.0.0.1:${stack.functions.port}`,
      theirs: `http://127.0.0.1:${opponents.port}`,
      tokenOf: (userId) => tokenOf(stack, userId),
      users: (count) => makeUsers(stack, sql, count),
      cpu: () => cpuByPart(stack, opponents),
      version: String(version),
    });
  } finally {
    for (const part of parts) await part.stop();
  }
}

function startOpponents(stack: Stack, calls: Record<string, string>): Promise<FunctionsProcess> {
  return startFunctions({
    runtime: "2.9.6",
    environment: {
      SUPABASE_URL: stack.url,
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: stack.publishableKey }),
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: stack.secretKey }),
      SUPABASE_JWKS: toJwks(stack.signingKey),
      FUNCTIONS_FOLDER: projectPath("bench/opponents/functions"),
      ...calls,
    },
  });
}

async function cpuByPart(stack: Stack, opponents: FunctionsProcess): Promise<Map<string, number>> {
  const times = await cpuTimes(({ pid, name }) => {
    if (pid === Deno.pid) return "gateway";
    if (pid === stack.functions.pid || pid === opponents.pid) return "functions";
    if (pid === stack.supabase.pid) return "REST";
    return name === "postgres" ? "Postgres" : "other";
  });
  return times ?? new Map();
}

async function makeUsers(stack: Stack, sql: postgres.Sql, count: number): Promise<BenchUser[]> {
  const ids = await insertUsers(sql, count);
  await sql`insert into flow_balances (user_id, credits) select id, ${CREDITS} from unnest(${ids}::uuid[]) as id`;
  return ids.map((id) => ({ id, token: tokenOf(stack, id) }));
}

function tokenOf({ signingKey }: Stack, userId: string): string {
  const exp = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
  return signToken({ sub: userId, role: "authenticated", aud: "authenticated", exp }, signingKey);
}
