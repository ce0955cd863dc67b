import { parseArgs } from "@std/cli/parse_args.js";
import type { z } from "zod";

/** A command that was typed wrongly. Its message says what to type. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The flags of a command: those that stand alone and those that take a value. */
export interface Flags {
  boolean: string[];
  string: string[];
}

/** Reads a command line. `_` of the result holds the arguments that are not flags. Throws `UsageError`. */
export function readArguments<Schema extends z.ZodType>(argv: string[], flags: Flags, schema: Schema): z.infer<Schema> {
  const known = [...flags.boolean, ...flags.string].map((flag) => `--${flag}`).join(", ");
  const parsed: unknown = parseArgs(argv, {
    ...flags,
    // An argument that looks like a number stays text.
    string: [...flags.string, "_"],
    unknown(argument: string) {
      if (argument.startsWith("-")) throw new UsageError(`Unknown flag ${argument}. The flags are ${known}.`);
      return true;
    },
  });
  const checked = schema.safeParse(parsed);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const where = issue?.path[0] === "_" ? "This command" : `--${issue?.path.join(".")}`;
  throw new UsageError(`${where} ${issue?.message}. See --help.`);
}
