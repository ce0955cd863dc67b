// Prints the path of a file of the package that the configuration of this process names.
import { createRequire } from "node:module";
import process from "node:process";

const [file = ""] = Deno.args;
process.stdout.write(createRequire(import.meta.url).resolve(file));
