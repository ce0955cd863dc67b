import { z } from "zod";
import { readArguments, UsageError } from "../cli/arguments.ts";
import { runCommand } from "../cli/command.ts";
import { type ImportFile, readImportFile } from "../cli/import-lines.ts";
import { connectProject, type Counts } from "../cli/import-project.ts";
import { checkWithDatabase, type ImportResult, writeImport } from "../cli/import-steps.ts";
import { createProgressBar, print, printNote } from "../cli/terminal.ts";

const HELP = `Imports users, balances and finished videos of an earlier system: docs/import.md.

  npx -y deno@2.9.6 task import <file.ndjson> --source <name> --url <url> --secret-key <key>
    [--dry-run] [--leave-files] [--json]

  --source       a name of the earlier system, such as old-app; a line is imported once for each name
  --url, --secret-key   the address and secret key of the running project; the key also from SUPABASE_SECRET_KEY
  --dry-run      check every line, also against the database, and write nothing
  --leave-files  do not copy the files into Storage: videos are served from their old addresses
  --json         print the result as one JSON object, and nothing else on standard output
  --help         print this

All lines are checked first. Of a user with a wrong line nothing is written. To continue after an interruption, run the
same command again: what is imported stays as it is. It ends with 1 if lines were wrong.`;

const FLAGS = {
  boolean: ["help", "json", "dry-run", "leave-files"],
  string: ["source", "url", "secret-key"],
};
const schema = z.object({
  _: z.array(z.string()).max(1, "takes one file"),
  help: z.boolean(),
  json: z.boolean(),
  "dry-run": z.boolean(),
  "leave-files": z.boolean(),
  source: z.string().regex(/^[a-z][a-z0-9_-]{0,39}$/, "must be a name of small letters, digits, - and _").optional(),
  url: z.url("must be an address, https://<ref>.supabase.co").optional(),
  "secret-key": z.string().min(1, "must be the secret key").optional(),
});
type Options = z.infer<typeof schema>;

const WRONG_LINES_SHOWN = 50;
const INTERRUPTED = 130;

async function run(argv: string[]): Promise<number | void> {
  const options = readArguments(argv, FLAGS, schema);
  if (options.help) return print(HELP);
  const { path, source, url, secretKey } = required(options);
  const project = connectProject(url.replace(/\/$/, ""), secretKey, source);
  // Each call is one transaction, so the end of this process leaves nothing half written.
  Deno.addSignalListener("SIGINT", () => {
    printNote("\nStopped. Run the same command again to continue: what is imported stays as it is.");
    Deno.exit(INTERRUPTED);
  });

  const file = await readImportFile(path).catch((cause) => {
    throw new UsageError(`${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
  });
  const bar = createProgressBar();
  try {
    await checkWithDatabase(file, project, bar.show);
    // A wrong line that names no user may be anybody's.
    const writes = !options["dry-run"] && !file.hasStray;
    const result = writes
      ? await writeImport(file, project, { copy: !options["leave-files"], show: bar.show })
      : undefined;
    bar.end();
    report(file, result, options);
  } finally {
    bar.end();
  }
  return file.wrong.length > 0 ? 1 : 0;
}

function required(options: Options): { path: string; source: string; url: string; secretKey: string } {
  const { _: [path], source, url } = options;
  const secretKey = options["secret-key"] ?? Deno.env.get("SUPABASE_SECRET_KEY");
  if (path === undefined) throw new UsageError("Name the file to import. See --help.");
  if (source === undefined) throw new UsageError("--source is missing: a name of the earlier system. See --help.");
  if (url === undefined || secretKey === undefined) {
    throw new UsageError("--url and --secret-key are missing: `task dev` prints those of the local project.");
  }
  return { path, source, url, secretKey };
}

function report(file: ImportFile, result: ImportResult | undefined, { json }: Options): void {
  file.wrong.sort((one, other) => one.line - other.line);
  const { users, credits, videos } = file.accepted();
  const accepted = { users: users.length, credits: credits.length, videos: videos.length };
  if (json) {
    const written = result ?? null;
    return print(JSON.stringify({ accepted, written, refused_users: file.refused.size, wrong_lines: file.wrong }));
  }
  for (const { line, problem } of file.wrong.slice(0, WRONG_LINES_SHOWN)) printNote(`line ${line}: ${problem}`);
  const more = file.wrong.length - WRONG_LINES_SHOWN;
  if (more > 0) printNote(`… and ${more} more wrong lines; --json lists all.`);
  if (file.wrong.length > 0) {
    printNote(`${file.wrong.length} lines are wrong. Nothing is written of their ${file.refused.size} users.`);
  }
  if (result === undefined) {
    if (file.hasStray) printNote("A wrong line does not say whose it is, so nothing at all is written.");
    return print(
      `Not written: ${users.length} users, ${credits.length} balances, ${videos.length} videos are in order.`,
    );
  }
  print(`users   ${counted(result.users)}`);
  print(`credits ${counted(result.credits)}`);
  print(`videos  ${counted(result.videos)}`);
}

function counted({ imported, already, left, expired }: Counts): string {
  return `${imported} imported, ${already} already there` + (left > 0 ? `, ${left} of users who have left since` : "") +
    (expired > 0 ? `, ${expired} older than the retention time` : "");
}

await runCommand(run);
