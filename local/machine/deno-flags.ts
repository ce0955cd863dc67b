/**
 * Given to every Deno that runs code of this project: npm packages come from Deno's own cache, so that nothing is written
 * into the checkout. deno.json cannot say it itself: `deno task` would then fetch each package with a line of its own.
 */
export const DENO_FLAGS: readonly string[] = ["--quiet", "--node-modules-dir=none"];
