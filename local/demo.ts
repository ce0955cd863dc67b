import { z } from "zod";
import { type Api, connectApi, type User } from "./api.ts";
import { readArguments, UsageError } from "./arguments.ts";
import { pickModel } from "./catalogue.ts";
import { runCommand } from "./command.ts";
import { loadDotenv } from "./dotenv.ts";
import { generate, waitForVideo } from "./generation.ts";
import { providerKeys } from "./provider-keys.ts";
import { startStack } from "./stack.ts";
import { createProgressBar, print, printNote } from "./terminal.ts";

const HELP = `Generates one video, from sign-up to file, and shows what it cost.

  deno task demo ["<prompt>"] [--output <file>] [--json] [--url <url> --key <key>] [--email <email> --password <password>]

  --output     where the video goes; ./reelmint-<job_id>.mp4
  --json       print the result as one JSON object, and nothing else on standard output
  --url, --key a running or hosted project and its publishable key; else a stack is started for this one video
  --email, --password   the user to be; else a new one is signed up
  --help       print this

With FAL_KEY set, also in the file .env, the video is a real one and costs money at fal.ai.`;

const FLAGS = { boolean: ["help", "json"], string: ["output", "url", "key", "email", "password"] };
const schema = z.object({
  _: z.array(z.coerce.string()).max(1, "quote the prompt: it is one argument"),
  help: z.boolean(),
  json: z.boolean(),
  output: z.string().optional(),
  url: z.url().optional(),
  key: z.string().optional(),
  email: z.string().optional(),
  password: z.string().optional(),
});
type Options = z.infer<typeof schema>;

const ledger = z.array(z.object({ change: z.number(), reason: z.string(), balance_after: z.number() }));
const balances = z.array(z.object({ credits_remaining: z.number() }));

async function run(argv: string[]): Promise<void> {
  const options = readArguments(argv, FLAGS, schema);
  if (options.help) return print(HELP);
  if ((options.url === undefined) !== (options.key === undefined)) throw new UsageError("--url and --key go together.");
  const begin = performance.now();
  if (options.url !== undefined && options.key !== undefined) {
    return await demonstrate(connectApi(options.url.replace(/\/$/, ""), options.key), options, begin);
  }
  await loadDotenv();
  const databaseUrl = Deno.env.get("DATABASE_URL");
  const stack = await startStack({
    ...providerKeys(),
    ...(databaseUrl ? { databaseUrl } : {}),
    workerIntervalMs: 5000,
    onProgress: (step) => printNote(`${step} …`),
  });
  try {
    await demonstrate(connectApi(stack.url, stack.publishableKey), options, begin);
  } finally {
    await stack.stop();
  }
}

async function demonstrate(api: Api, options: Options, begin: number): Promise<void> {
  const times: Record<string, number> = {};
  function took(phase: string): void {
    const before = Object.values(times).reduce((sum, time) => sum + time, 0);
    times[phase] = Math.round(performance.now() - begin) - before;
  }

  took("start_ms");
  const email = options.email ?? `demo-${crypto.randomUUID()}@reelmint.example`;
  const user = await api.signIn(email, options.password ?? crypto.randomUUID());
  printNote(`Signed in as ${user.email}, who has ${await readCredits(api, user)} credits`);
  const model = await pickModel(api, user);
  took("sign_in_ms");

  const prompt = options._[0] ?? "A paper boat on a mountain lake at dawn";
  const started = await generate(api, user, model.id, prompt);
  printNote(`${model.name} generates "${prompt}" for ${started.credits_used} credits`);
  took("submit_ms");

  const bar = createProgressBar();
  const job = await waitForVideo(api, user, started.job_id, ({ progress, status }) => {
    bar.show(status === "completed" ? 100 : progress.percent, status === "completed" ? status : progress.stage);
  });
  bar.end();
  took("generate_ms");
  if (job.status === "failed" || job.video_url === null) {
    throw new Error(
      `The generation failed: ${job.error_message ?? job.error_code}. The credits were refunded; try again.`,
    );
  }

  const file = options.output ?? `./reelmint-${job.job_id}.mp4`;
  await download(job.video_url, file);
  took("download_ms");

  const rows = await api.call(user, "/rest/v1/quota_log?select=change,reason,balance_after&order=id", ledger);
  const result = {
    status: job.status,
    job_id: job.job_id,
    file,
    credits_used: started.credits_used,
    credits_remaining: await readCredits(api, user),
    ledger: rows,
    times,
  };
  if (options.json) return print(JSON.stringify(result));
  for (const { change, reason, balance_after } of rows) {
    print(`${change.toString().padStart(6)}  ${reason.padEnd(20)} ${balance_after.toString().padStart(6)}`);
  }
  print(`${result.credits_remaining} credits are left. The video is ${file}`);
}

async function readCredits(api: Api, user: User): Promise<number> {
  const [balance] = await api.call(user, "/rest/v1/credit_balances?select=credits_remaining", balances);
  return balance?.credits_remaining ?? 0;
}

async function download(url: string, file: string): Promise<void> {
  const response = await fetch(url);
  if (!response.ok || response.body === null) {
    throw new Error(`The video's address answered ${response.status}. Try again.`);
  }
  await Deno.writeFile(file, response.body);
}

await runCommand(run);
