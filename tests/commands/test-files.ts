import { UsageError } from "../../local/cli/arguments.ts";
import { projectPath } from "../../local/machine/project.ts";
import { listFiles } from "../support/files.ts";

const ENDING = "_test.ts";

/** The arguments of `task test`: which files, and the options for Deno. */
export interface Selection {
  /** Files and folders from the root of the project; none for all. */
  paths: string[];
  options: string[];
}

/** Finds the files that the arguments name. Throws `UsageError` where an argument names none. */
export async function selectTests(argv: readonly string[]): Promise<Selection> {
  // The value after an option belongs to it: `--filter refund tests` names `tests` alone.
  const isName = (argument: string, index: number) => !argument.startsWith("-") && !argv[index - 1]?.startsWith("-");
  const paths = await Promise.all(argv.filter(isName).map(findFiles));
  return { paths: paths.flat(), options: argv.filter((argument, index) => !isName(argument, index)) };
}

/** A file or folder by its path, or test files by their names without path or ending, in which `*` stands for any letters. */
async function findFiles(name: string): Promise<string[]> {
  const found = await Deno.stat(projectPath(name)).catch(() => undefined);
  if (found?.isDirectory || (found?.isFile && name.endsWith(ENDING))) return [name];
  if (found?.isFile) throw new UsageError(`${name} is not a file of tests. ${HINT}`);
  const pattern = name.split("*").map(RegExp.escape).join("[^/]*");
  const wanted = new RegExp(`(^|/)${pattern}(_test)?(\\.ts)?$`);
  const tests =
    (await Promise.all(["tests", "bench", "local", "supabase/functions"].map((folder) => listFiles(folder, ENDING))))
      .flat();
  const files = tests.filter((file) => wanted.test(file));
  if (files.length === 0) throw new UsageError(`There is no file ${name}. ${HINT}`);
  return files;
}

const HINT =
  'Name a file from the root of the project (tests/acceptance/flow_test.ts), a folder, or a pattern ("tests/api/vid*").';
