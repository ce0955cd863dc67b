import { explainProviderRefusal } from "./provider-refusals.ts";

/** The text that `task dev` prints for a line of the functions' log; undefined for a worker's tick that went well. */
export function presentLogLine(line: string): string | undefined {
  const entry = parse(line);
  if (entry === undefined) return line;
  if (entry.event === "request" && entry.function === "advance-jobs" && entry.status === 200) return undefined;
  const advice = typeof entry.code === "string" ? explainProviderRefusal(entry.code) : undefined;
  return advice === undefined ? line : `${line}\n${advice}`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
