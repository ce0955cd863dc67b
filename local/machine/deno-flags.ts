/**
 * The flags of every Deno that runs code of this project: npm packages come from Deno's own cache, so that nothing is
 * written into the checkout. They cannot stand in deno.json: `deno task` would then print a line for each package.
 */
export const DENO_FLAGS: readonly string[] = ["--quiet", "--node-modules-dir=none"];
