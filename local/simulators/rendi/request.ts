import { z } from "zod";
import type { Json } from "../shared/json.ts";
import { parseJson } from "../shared/json.ts";
import { aliasesIn, isTemplate, wordsOf } from "./command.ts";

const inputAlias = z.string().regex(/^in_\w+$/);
const outputAlias = z.string().regex(/^out_\w+$/);

const common = {
  input_files: z.record(inputAlias, z.url({ protocol: /^https?$/ })),
  output_files: z.record(outputAlias, z.string().regex(/^\w+\.\w+$/)),
  max_command_run_seconds: z.number().positive().default(300),
  vcpu_count: z.number().int().positive().default(8),
};

const single = z.strictObject({ ffmpeg_command: z.string().min(1), ...common })
  .transform(({ ffmpeg_command, ...rest }) => ({ commands: [ffmpeg_command], ...rest }));
const chained = z.strictObject({ ffmpeg_commands: z.array(z.string().min(1)).min(1).max(10), ...common })
  .transform(({ ffmpeg_commands, ...rest }) => ({ commands: ffmpeg_commands, ...rest }));

/** What a submission asked for. */
export type CommandRequest = z.infer<typeof single>;

/** A submission that is refused. */
export interface Refusal {
  status: 400 | 422;
  detail: Json;
}

/** Reads the body of a submission by the documented rules. */
export function readRequest(body: string, kind: "single" | "chained"): CommandRequest | Refusal {
  const parsed = (kind === "single" ? single : chained).safeParse(parseJson(body));
  if (!parsed.success) {
    return unprocessable(parsed.error.issues.map(({ path, message }) => [path.map(String), message]));
  }
  const { commands, input_files, output_files } = parsed.data;
  const words = commands.map(wordsOf);
  if (words.includes(null)) return { status: 400, detail: "A quote in the command is not closed" };
  if (words.some((list) => list?.includes("-y"))) return { status: 400, detail: "-y is not allowed in a command" };
  const known = [...Object.keys(input_files), ...Object.keys(output_files)];
  const used = aliasesIn(commands);
  const strange = [
    ...used.filter((alias) => !known.includes(alias)),
    ...known.filter((alias) => !used.includes(alias)),
  ];
  if (strange.length > 0) {
    return unprocessable(strange.map((alias) => [["command"], `The alias ${alias} is not known, or not used`]));
  }
  if (!isTemplate({ commands, inputFiles: input_files, outputFiles: output_files })) {
    return unprocessable([[["command"], "This simulator only runs the commands of the adapter beside it"]]);
  }
  return parsed.data;
}

function unprocessable(problems: [loc: string[], msg: string][]): Refusal {
  return { status: 422, detail: problems.map(([loc, msg]) => ({ loc: ["body", ...loc], msg, type: "value_error" })) };
}
