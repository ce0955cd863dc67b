import { print } from "../local/terminal.ts";

const HELP = `Runs every test of the project, in a random order, each file against a stack of its own.

  deno task test [<file> …] [--filter <part of a name>] [--help]

Five minutes on two cores. A failing order is repeated with --shuffle=<the seed that was printed>. Every other option of
deno test works too. The large random test and the mutations are commands of their own: deno task soak, discriminate.`;

/** Runs the tests and answers with their exit code. */
async function run(argv: string[]): Promise<number> {
  const shuffle = argv.some((argument) => argument.startsWith("--shuffle")) ? [] : ["--shuffle"];
  const child = new Deno.Command(Deno.execPath(), {
    // Types are the business of deno task check.
    args: ["test", "-A", "--no-check", "--parallel", ...shuffle, ...argv],
    // Two files at a time, each with a whole stack of its own: more would make each wait for the others.
    env: { DENO_JOBS: "2" },
  }).spawn();
  // Ctrl-C reaches the tests as well, which stop their stacks: they are waited for.
  Deno.addSignalListener("SIGINT", () => {});
  return (await child.status).code;
}

if (Deno.args.includes("--help")) {
  print(HELP);
} else {
  Deno.exit(await run(Deno.args));
}
