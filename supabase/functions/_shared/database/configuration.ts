import { adminClient } from "./client.ts";
import { ConfigurationError, readEnvironment } from "../runtime/environment.ts";

let problem: string | null | undefined;

/** What the operator must correct before any request can be served; null when nothing. Checked once per instance. */
export function configurationProblem(): string | null {
  if (problem === undefined) problem = findProblem();
  return problem;
}

function findProblem(): string | null {
  try {
    readEnvironment();
    adminClient();
    return null;
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
}
