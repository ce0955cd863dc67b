import { DENO_FLAGS } from "../../../machine/deno-flags.ts";
import { projectPath } from "../../../machine/project.ts";

/** A package that is fetched when it is first needed; its folder beside this file has its `deno.json` and its lock. */
export interface HeavyPackage {
  folder: string;
  specifier: string;
  megabytes: number;
}

/** The heavy packages. None is in the project's own `deno.json`: no command waits for them that does not use them. */
export const HEAVY_PACKAGES = {
  ffmpeg: { folder: "ffmpeg-core", specifier: "npm:@ffmpeg/core@0.12.10", megabytes: 21 },
  notoSans: { folder: "noto-sans", specifier: "npm:@expo-google-fonts/noto-sans@0.4.2", megabytes: 7 },
  notoSansJp: { folder: "noto-sans-jp", specifier: "npm:@expo-google-fonts/noto-sans-jp@0.4.3", megabytes: 29 },
} satisfies Record<string, HeavyPackage>;

/**
 * The path of a file of a heavy package in Deno's cache, for instance `@ffmpeg/core/wasm`. Fetches the package if it is
 * not there, and says so. Null where it cannot be fetched.
 */
export async function packageFile(
  { folder, specifier, megabytes }: HeavyPackage,
  file: string,
  note: (line: string) => void,
): Promise<string | null> {
  const config = projectPath(`local/simulators/ffmpeg/packages/${folder}/deno.json`);
  const flags = [...DENO_FLAGS, "--frozen", "--config", config];
  const locate = () => deno("run", "-A", ...flags, "--cached-only", projectPath(LOCATE), file);
  const cached = await locate();
  if (cached !== null) return cached;
  note(`Fetching ${specifier.replace("npm:", "")} for the simulated videos from npm, once: ${megabytes} MB …`);
  return await deno("cache", ...flags, specifier) === null ? null : await locate();
}

const LOCATE = "local/simulators/ffmpeg/packages/locate.ts";

/** Without a network some resolvers answer late, or never. */
const FETCH_TIMEOUT_MS = 120_000;

/** What a run of Deno prints; null where it fails. */
async function deno(...args: string[]): Promise<string | null> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS);
  const { success, stdout } = await new Deno.Command(Deno.execPath(), { args, stdin: "null", stderr: "null", signal })
    .output();
  return success ? new TextDecoder().decode(stdout) : null;
}
