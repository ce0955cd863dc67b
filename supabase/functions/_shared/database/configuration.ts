import { adminClient } from "./client.ts";
import { ConfigurationError, readEnvironment } from "../runtime/environment.ts";

let problem: string | null | undefined;

/** What the operator has to mend before any request can be served; null: nothing. Checked once an instance. */
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
