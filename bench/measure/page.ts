import { projectPath } from "../../local/machine/project.ts";
import type { Benchmark, Findings } from "./benchmark.ts";
import { chartOf } from "./chart.ts";
import { machineOf } from "./machine.ts";
import { tablesOf } from "./table.ts";

const FOLDER = "docs/performance";

/** Writes a benchmark's page and its chart, and returns the path of the page. */
export async function writePage(
  { name, claim }: Benchmark,
  findings: Findings,
  command: string,
): Promise<string> {
  await Deno.mkdir(projectPath(FOLDER), { recursive: true });
  const hasChart = findings.comparisons.length > 0;
  const page = [
    `# ${name}`,
    claim,
    tablesOf(findings),
    ...(hasChart ? [`![Ours divided by theirs](${name}.svg)`] : []),
    `Measured ${new Date().toISOString().slice(0, 10)} with \`${command}\` on ${
      machineOf(findings.postgres)
    }. A ratio is ours
divided by theirs, of one round; both ran in turn on the same stack. How: [bench/README.md](../../bench/README.md).`,
  ].join("\n\n");
  const path = `${FOLDER}/${name}.md`;
  const files = [path];
  await Deno.writeTextFile(projectPath(path), `${page}\n`);
  if (hasChart) {
    const chart = `${FOLDER}/${name}.svg`;
    await Deno.writeTextFile(projectPath(chart), chartOf(`${name}: ours / theirs`, findings.comparisons));
    files.push(chart);
  }
  // Formatted as `task check` wants it.
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...files], cwd: projectPath(".") }).output();
  return path;
}
