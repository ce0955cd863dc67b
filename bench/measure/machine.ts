import { cpus, release, totalmem, type as systemName } from "node:os";

/** The machine and the versions that a figure depends on, in one line. */
export function machineOf(postgres?: string): string {
  const processors = cpus();
  return [
    `${processors.length} cores of ${processors[0]?.model.trim() || "an unknown CPU"}`,
    `${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
    `${systemName()} ${release()}`,
    `Deno ${Deno.version.deno}`,
    ...(postgres === undefined ? [] : [`PostgreSQL ${postgres}`]),
  ].join(", ");
}
