import { HEAVY_PACKAGES, type HeavyPackage, packageFile } from "../ffmpeg/packages/package-file.ts";

const PACKAGES: readonly HeavyPackage[] = [HEAVY_PACKAGES.notoSans, HEAVY_PACKAGES.notoSansJp];
/** A weight of a font within its package. */
const FACE = /^[A-Za-z0-9_]+\/[A-Za-z0-9_]+\.ttf$/;

/** The fonts of the pinned packages, fetched from npm when they are first needed. */
export class Fonts {
  readonly #files = new Map<string, Promise<Uint8Array<ArrayBuffer> | null>>();

  constructor(private readonly note: (line: string) => void) {}

  /**
   * A font by its path in npm: `@expo-google-fonts/noto-sans@0.4.2/400Regular/NotoSans_400Regular.ttf`. Null for another
   * package or version, and where it cannot be fetched.
   */
  read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const known = this.#files.get(path) ?? this.#read(path);
    this.#files.set(path, known);
    return known;
  }

  async #read(path: string): Promise<Uint8Array<ArrayBuffer> | null> {
    const found = PACKAGES.find(({ specifier }) => path.startsWith(`${nameIn(specifier)}/`));
    const face = found === undefined ? "" : path.slice(nameIn(found.specifier).length + 1);
    if (found === undefined || !FACE.test(face)) return null;
    const withoutVersion = nameIn(found.specifier).replace(/@[\d.]+$/, "");
    const file = await packageFile(found, `${withoutVersion}/${face}`, this.note).catch(() => null);
    if (file !== null) return await Deno.readFile(file);
    this.note(`${nameIn(found.specifier)} could not be fetched: texts in simulated videos are missing.`);
    return null;
  }
}

function nameIn(specifier: string): string {
  return specifier.replace("npm:", "");
}
