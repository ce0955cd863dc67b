// Imports the module that is named and prints how long that took, in milliseconds. Nothing else is imported before.
const [module = ""] = Deno.args;
const begun = performance.now();
await import(module);
const took = performance.now() - begun;
await Deno.stdout.write(new TextEncoder().encode(`${took}\n`));
Deno.exit(0);
