/** The variable by which a run of all tests tells each of them where a prepared database can be copied from. */
export const TEMPLATE_VARIABLE = "REELMINT_TEST_DATABASE";

/** The data of a database with the project's tables and catalogue; undefined where each test prepares its own. */
export function databaseTemplate(): string | undefined {
  return Deno.env.get(TEMPLATE_VARIABLE);
}
