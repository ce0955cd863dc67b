import { UsageError } from "./arguments.ts";
import { bypassProxy } from "../machine/no-proxy.ts";
import { printNote } from "./terminal.ts";

/** Runs a command and exits: with 0 for success, 2 for a wrong command line, 1 for any other error. */
export async function runCommand(run: (argv: string[]) => Promise<number | void>): Promise<never> {
  bypassProxy();
  try {
    Deno.exit(await run(Deno.args) ?? 0);
  } catch (error) {
    printNote(error instanceof Error ? error.message : String(error));
    Deno.exit(error instanceof UsageError ? 2 : 1);
  }
}
