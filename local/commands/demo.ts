import { z } from "zod";
import { connectApi } from "../cli/api.ts";
import { readArguments, UsageError } from "../cli/arguments.ts";
import { runCommand } from "../cli/command.ts";
import { demonstrate, type DemoOptions, type DemoProject } from "../cli/demonstration.ts";
import { loadDotenv } from "../cli/dotenv.ts";
import { assertFalKey } from "../cli/fal-key.ts";
import { openOutputFile } from "../cli/output-file.ts";
import { chooseDatabase } from "../cli/own-database.ts";
import { providerKeys } from "../cli/provider-keys.ts";
import { startStack } from "../stack/stack.ts";
import { print, printNote } from "../cli/terminal.ts";

const HELP = `Generates one video, from sign-up to file, and shows what it cost.

  npx -y deno@2.9.6 task demo ["<prompt>"] [--output <file>] [--json] [--url <url> --key <key>]
    [--email <email> --password <password>] [--job <id>] [--database <url>]

  --output     the file for the video; by default ./reelmint-<job_id>.mp4
  --json       print the result as one JSON object, and nothing else on standard output
  --url, --key the address and publishable key of a running project; without them a stack is started for this video
  --email, --password   the user who generates; without them a new user is signed up
  --job        fetch the video of this job, which is the user's, instead of generating a new one
  --database   use this PostgreSQL 17 and keep it, instead of a throw-away one; add --remote-database if it is on
               another machine
  --help       print this

If FAL_KEY is set, also in the file .env, fal.ai makes a real video, and charges money for it.`;

const FLAGS = {
  boolean: ["help", "json", "remote-database"],
  string: ["output", "url", "key", "email", "password", "job", "database"],
};
const schema = z.object({
  _: z.array(z.string().trim().min(1, "needs a prompt that is not empty"))
    .max(1, "takes one argument: put quotes around the prompt"),
  help: z.boolean(),
  json: z.boolean(),
  "remote-database": z.boolean(),
  output: z.string().min(1, "must name a file").optional(),
  url: z.url("must be an address, https://<ref>.supabase.co").optional(),
  key: z.string().optional(),
  email: z.string().optional(),
  password: z.string().optional(),
  job: z.uuid("must be the id of a job").optional(),
  database: z.string().optional(),
});
type Options = z.infer<typeof schema>;

async function run(argv: string[]): Promise<void> {
  const options = readArguments(argv, FLAGS, schema);
  if (options.help) return print(HELP);
  assertTogether(options);
  const begin = performance.now();
  const output = await openOutputFile(options.output);
  try {
    const { url, key } = options;
    if (url !== undefined && key !== undefined) {
      const project = {
        api: connectApi(url.replace(/\/$/, ""), key),
        flags: `--url ${url} --key ${key}`,
        callsFal: true,
      };
      return await demonstrate(project, toDemoOptions(options), output, begin);
    }
    await withLocalStack(options, (project) => demonstrate(project, toDemoOptions(options), output, begin));
  } finally {
    await output.discard();
  }
}

function toDemoOptions({ _: [prompt], email, password, job, json }: Options): DemoOptions {
  const owner = email === undefined || password === undefined ? undefined : { email, password };
  return { prompt: prompt ?? "A paper boat on a mountain lake at dawn", owner, job, json };
}

function assertTogether({ url, key, email, password, job, database }: Options): void {
  if ((url === undefined) !== (key === undefined)) throw new UsageError("--url and --key go together.");
  if ((email === undefined) !== (password === undefined)) throw new UsageError("--email and --password go together.");
  if (url !== undefined && database !== undefined) {
    throw new UsageError("--url and --database exclude each other: the project at --url has its own database.");
  }
  if (job === undefined) return;
  if (email === undefined) throw new UsageError("--job needs the user of the job: add --email and --password.");
  if (url === undefined && database === undefined) {
    throw new UsageError(
      "--job needs the project of the job: add --url and --key, or --database. A throw-away stack no longer exists.",
    );
  }
}

async function withLocalStack(options: Options, work: (project: DemoProject) => Promise<void>): Promise<void> {
  const databaseUrl = await chooseDatabase(options, await loadDotenv());
  const keys = providerKeys();
  if (keys.falKey) await assertFalKey(keys.falKey);
  const stack = await startStack({
    ...keys,
    ...(databaseUrl ? { databaseUrl } : {}),
    workerIntervalMs: 5000,
    onProgress: (step) => printNote(`${step} …`),
  });
  try {
    const flags = databaseUrl ? `--database '${databaseUrl}'` : undefined;
    await work({ api: connectApi(stack.url, stack.publishableKey), flags, callsFal: keys.falKey !== undefined });
  } finally {
    await stack.stop();
  }
}

await runCommand(run);
