import { z } from "zod";
import { connectApi } from "../cli/api.ts";
import { readArguments, UsageError } from "../cli/arguments.ts";
import { pickModel } from "../cli/catalogue.ts";
import { runCommand } from "../cli/command.ts";
import { presentLogLine } from "../cli/dev-log.ts";
import { describeStack, describeStackAsJson } from "../cli/stack-description.ts";
import { signInDevUser } from "../cli/dev-user.ts";
import { loadDotenv } from "../cli/dotenv.ts";
import { assertFalKey } from "../cli/fal-key.ts";
import { freePort } from "../machine/free-port.ts";
import { watchLauncher } from "../machine/launcher.ts";
import { chooseDatabase } from "../cli/own-database.ts";
import { providerKeys } from "../cli/provider-keys.ts";
import { reloadOnChange } from "../cli/reload.ts";
import { readDevState, writeDevState } from "../cli/dev-state.ts";
import { startStack } from "../stack/stack.ts";
import { print, printNote } from "../cli/terminal.ts";

const HELP = `Runs the whole project on this machine until Ctrl-C.

  npx -y deno@2.9.6 task dev [--host <address>] [--credits <n>] [--json] [--api-port <port>] [--db-port <port>]
    [--database <url>] [--media made|canned]

  --host       the address of the API: 127.0.0.1, which emulators reach too; 0.0.0.0 also for phones on the network
  --credits    the credits of the development user
  --json       print one line of JSON when ready, and nothing else on standard output
  --api-port   the port of the API: 54321, or another if that is taken
  --db-port    the port of PostgreSQL: 54322, or another if that is taken
  --database   use this PostgreSQL 17 instead of a throw-away one; add --remote-database if it is on another machine
  --media      made (the default): simulated videos have the asked length, shape and frame rate and show the prompt, and
               tools do what they are asked to, with the ffmpeg of this machine or one that is fetched from npm when the
               first run needs it (28 MB, and 29 MB more for Japanese); canned: each run gives a sample file, and
               nothing is fetched
  --help       print this

Keys and user are the same at each start, and a token is valid for a week. Changed functions are reloaded. The file .env
sets variables: with FAL_KEY, RUNPOD_API_KEY, GEMINI_API_KEY or RENDI_API_KEY that provider is called instead of its
simulator, DATABASE_URL is --database, and all others go to the functions (see .env.example).`;

const FLAGS = {
  boolean: ["help", "json", "remote-database"],
  string: ["host", "credits", "api-port", "db-port", "database", "media"],
};
const port = z.coerce.number("must be a port").int().min(1, "must be a port").max(65_535, "must be a port").optional();
const schema = z.object({
  _: z.array(z.unknown()).max(0, "takes no arguments"),
  help: z.boolean(),
  json: z.boolean(),
  "remote-database": z.boolean(),
  host: z.ipv4("must be an IPv4 address of this machine, or 0.0.0.0 for all of them").default("127.0.0.1"),
  credits: z.coerce.number("must be a whole number").int("must be a whole number").min(0, "must not be negative")
    .max(1_000_000, "must not be above a million").optional(),
  "api-port": port,
  "db-port": port,
  database: z.string().optional(),
  media: z.enum(["made", "canned"], "must be made or canned").default("made"),
});

const WORKER_INTERVAL_MS = 5000;

async function run(argv: string[]): Promise<void> {
  const options = readArguments(argv, FLAGS, schema);
  if (options.help) return print(HELP);
  await watchLauncher(() => stopRequested());
  const databaseUrl = await chooseDatabase(options, await loadDotenv());
  const keys = providerKeys();
  if (keys.falKey) await assertFalKey(keys.falKey);
  const state = await readDevState();
  const stack = await startStack({
    apiHost: options.host,
    apiPort: choosePort("API", options["api-port"], 54_321, options.host),
    ...(databaseUrl ? { databaseUrl } : { databasePort: choosePort("database", options["db-port"], 54_322) }),
    keys: state,
    ...keys,
    media: options.media,
    workerIntervalMs: WORKER_INTERVAL_MS,
    onProgress: (step) => printNote(`${step} …`),
    onNote: printNote,
    onLog(line) {
      const shown = presentLogLine(line);
      if (shown !== undefined) printNote(shown);
    },
  });
  const api = connectApi(stack.url, stack.publishableKey);
  const user = await signInDevUser(stack, api, state, options.credits);
  if (!await writeDevState({ ...state, user: user.rows })) {
    printNote("supabase/.temp cannot be written. The next start will have other keys and another user.");
  }
  print(
    options.json
      ? describeStackAsJson(stack, user)
      : describeStack(stack, user, await pickModel(api, user), options.host),
  );
  const stopReloading = reloadOnChange(() => stack.functions.restart());
  await new Promise<void>((resolve) => stopRequested = resolve);
  stopReloading();
  await stack.stop();
}

function choosePort(what: string, asked: number | undefined, usual: number, host?: string): number {
  const free = findPort(asked ?? usual, host);
  if (asked !== undefined && free !== asked) {
    throw new UsageError(`Port ${asked} is taken. Choose another, or leave the flag out.`);
  }
  if (free !== (asked ?? usual)) printNote(`Port ${usual} is taken. The ${what} listens on ${free} instead.`);
  return free;
}

function findPort(preferred: number, host?: string): number {
  try {
    return freePort(preferred, host);
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrNotAvailable) {
      throw new UsageError(`${host} is not an address of this machine. Name one that is, or 0.0.0.0 for all of them.`);
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new UsageError(`Port ${preferred} is reserved for the system. Choose one above 1023.`);
    }
    throw cause;
  }
}

// Until the stack runs, it is enough to exit: every part of it ends with this process.
let stopRequested = (): void => Deno.exit(130);
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stopRequested());

await runCommand(run);
