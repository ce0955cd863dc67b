/** The variables by which a run of all tests tells each of them where a prepared database is, and where its copies go. */
export const TEMPLATE_VARIABLE = "REELMINT_TEST_DATABASE";
export const PARENT_VARIABLE = "REELMINT_TEST_DATABASES";

/** The data of a database with the project's tables and catalogue; undefined where each test prepares its own. */
export function databaseTemplate(): string | undefined {
  return Deno.env.get(TEMPLATE_VARIABLE);
}

/** The folder for the data of databases; undefined for the usual one. */
export function databaseParent(): string | undefined {
  return Deno.env.get(PARENT_VARIABLE);
}
