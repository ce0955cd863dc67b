import { z } from "zod";
import { readArguments, UsageError } from "../../local/cli/arguments.ts";
import { print, printNote } from "../../local/cli/terminal.ts";
import { demandOf } from "../simulation/checks/coverage.ts";
import { type Outcome, simulate, SimulationFailed } from "../simulation/run.ts";

const HELP =
  `Simulates thousands of users who come, make videos and leave, three failing providers, crashes and forged webhooks, and
checks every invariant.

  npx -y deno@2.9.6 task simulate [--operations <n>] [--seed <n>] [--users <n>] [--connections <n>] [--json]

  --operations   how many operations; 100000
  --seed         a number: the same seed gives the same run; a random one
  --users        how many users; 2000
  --connections  to the database; 1, so that a seed always gives the same run; with more, procedures meet each other in
                 the database as well, and a seed gives only a similar run
  --json         print the counts as one JSON object, and nothing else on standard output
  --help         print this

It ends with 1 if an invariant was broken, and prints the history of the job and a command that repeats the run.`;

const FLAGS = { boolean: ["help", "json"], string: ["operations", "seed", "users", "connections"] };
const schema = z.object({
  help: z.boolean(),
  json: z.boolean(),
  operations: z.coerce.number().int().min(1).default(100_000),
  seed: z.coerce.number().int().min(0).max(2 ** 32 - 1).default(() => Math.floor(Math.random() * 2 ** 32)),
  users: z.coerce.number().int().min(10).default(2_000),
  connections: z.coerce.number().int().min(1).max(50).default(1),
});

async function simulateAndPrint(options: z.infer<typeof schema>): Promise<void> {
  const { seed, operations, users, connections } = options;
  printNote(`Seed ${seed}: ${operations} operations of ${users} users`);
  const begun = performance.now();
  const outcome = await simulate({
    seed,
    operations,
    users,
    connections,
    mustMeet: demandOf(operations),
    onProgress: (done) => {
      if (done % 5000 < 1000) {
        printNote(`${done} operations, ${Math.round(done / (performance.now() - begun) * 1000)} a second`);
      }
    },
  });
  print(options.json ? JSON.stringify(outcome) : summary(outcome));
}

function summary({ seed, operations, users, fingerprint, seconds, days, counts }: Outcome): string {
  return [
    `Seed ${seed}: ${operations} operations of ${users} users over ${days.toFixed(1)} simulated days,`,
    `in ${seconds.toFixed(0)} s (${
      Math.round(operations / seconds)
    } a second). Every invariant held. Fingerprint ${fingerprint}.`,
    ...Object.entries(counts.toJSON()).filter(([heading]) => heading !== "faults").map(([heading, names]) =>
      `\n${heading}\n` +
      Object.entries(names).map(([name, times]) => `  ${String(times).padStart(7)}  ${name}`).join("\n")
    ),
    `\nfaults\n  ${String(counts.sum("faults", "")).padStart(7)}  at ${
      Object.keys(counts.toJSON().faults ?? {}).length
    } points`,
  ].join("\n");
}

try {
  const options = readArguments(Deno.args, FLAGS, schema);
  if (options.help) print(HELP);
  else await simulateAndPrint(options);
} catch (error) {
  if (!(error instanceof UsageError || error instanceof SimulationFailed)) throw error;
  printNote(error.message);
  Deno.exit(error instanceof UsageError ? 2 : 1);
}
// Timers of crashed processes would keep this process for minutes.
Deno.exit(0);
