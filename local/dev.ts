import { z } from "zod";
import { connectApi, type User } from "./api.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { type Model, pickModel } from "./catalogue.ts";
import { runCommand } from "./command.ts";
import { loadDotenv } from "./dotenv.ts";
import { freePort } from "./free-port.ts";
import { providerKeys } from "./provider-keys.ts";
import { type Stack, startStack } from "./stack.ts";
import { print, printNote } from "./terminal.ts";

const HELP = `Runs the whole project on this machine until Ctrl-C.

  deno task dev [--json] [--api-port <port>] [--db-port <port>]

  --json       print one line of JSON when ready, and nothing else on standard output
  --api-port   where the API listens; 54321, or another where that is taken
  --db-port    where PostgreSQL listens; 54322, or another where that is taken
  --help       print this

Variables, also read from the file .env: FAL_KEY, RUNPOD_API_KEY and GEMINI_API_KEY call the providers instead of their
simulators, DATABASE_URL uses a PostgreSQL of your own instead of a throw-away one, and every other one is handed to the
functions (see .env.example).`;

const FLAGS = { boolean: ["help", "json"], string: ["api-port", "db-port"] };
const port = z.coerce.number("must be a port").int().min(1, "must be a port").max(65_535, "must be a port").optional();
const schema = z.object({
  _: z.array(z.unknown()).max(0, "takes no arguments"),
  help: z.boolean(),
  json: z.boolean(),
  "api-port": port,
  "db-port": port,
});

const WORKER_INTERVAL_MS = 5000;

async function run(argv: string[]): Promise<void> {
  const options = readArguments(argv, FLAGS, schema);
  if (options.help) return print(HELP);
  await loadDotenv();
  const databaseUrl = Deno.env.get("DATABASE_URL");
  const stack = await startStack({
    apiPort: choosePort(options["api-port"], 54_321),
    databasePort: choosePort(options["db-port"], 54_322),
    ...(databaseUrl ? { databaseUrl } : {}),
    ...providerKeys(),
    workerIntervalMs: WORKER_INTERVAL_MS,
    onProgress: (step) => printNote(`${step} …`),
    onLog: printNote,
  });
  const api = connectApi(stack.url, stack.publishableKey);
  const user = await api.signIn("dev@reelmint.example", "reelmint-dev");
  print(options.json ? describeAsJson(stack, user) : describe(stack, user, await pickModel(api, user)));
  await new Promise<void>((resolve) => stopRequested = resolve);
  await stack.stop();
}

function choosePort(asked: number | undefined, usual: number): number {
  const free = freePort(asked ?? usual);
  if (asked !== undefined && free !== asked) throw new UsageError(`Port ${asked} is taken. Choose another, or none.`);
  return free;
}

function describeAsJson(stack: Stack, user: User): string {
  return JSON.stringify({
    url: stack.url,
    publishable_key: stack.publishableKey,
    secret_key: stack.secretKey,
    db_url: stack.databaseUrl,
    user: { email: user.email, password: user.password, access_token: user.accessToken },
  });
}

function describe(stack: Stack, user: User, model: Model): string {
  return `
Reelmint runs at ${stack.url}. Ctrl-C stops it.

  Publishable key  ${stack.publishableKey}
  Secret key       ${stack.secretKey}
  Database         ${stack.databaseUrl}
  Provider         ${stack.falSimulator ? "a simulator of fal.ai; set FAL_KEY to call fal.ai" : "fal.ai"}
  User             ${user.email}, password ${user.password}

Paste these into another terminal, in this order:

URL=${stack.url}
KEY=${stack.publishableKey}
TOKEN=${user.accessToken}

# The models
curl -sw '\\n' "$URL/rest/v1/models?select=id,name,category&is_available=is.true" -H "apikey: $KEY"

# Generate a video with ${model.name}
JOB=$(curl -sw '\\n' "$URL/functions/v1/generate-video" -H "Authorization: Bearer $TOKEN" \\
  -H "Idempotency-Key: $(date +%s)-$$" -H "Content-Type: application/json" \\
  -d '{"model_id":"${model.id}","prompt":"A paper boat on a mountain lake at dawn"}' | tee /dev/stderr | \\
  sed 's/.*"job_id":"\\([^"]*\\)".*/\\1/')

# Ask for it, again until its status is "completed"
curl -sw '\\n' "$URL/functions/v1/get-video-status?job_id=$JOB" -H "Authorization: Bearer $TOKEN"

# From one image to another, with music, and ask for it
TASK=$(curl -sw '\\n' "$URL/functions/v1/transitions/create-and-generate/" -H "Authorization: Bearer $TOKEN" \\
  -H "Content-Type: application/json" -d '{"front_image":"https://example.com/front.jpg",
    "tail_image":"https://example.com/tail.jpg","prompt":"From day to night","duration":5,"enable_music":true}' | \\
  tee /dev/stderr | sed 's/.*"task_id":"\\([^"]*\\)".*/\\1/')
curl -sw '\\n' "$URL/functions/v1/transitions/task-status/$TASK/" -H "Authorization: Bearer $TOKEN"
`;
}

// Until the stack is up, leaving is enough: every part of it ends with this process.
let stopRequested = (): void => Deno.exit(130);
for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stopRequested());

await runCommand(run);
