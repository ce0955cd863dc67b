import { type Ffmpeg, type FfmpegEngine, FfmpegError, findFfmpeg } from "../ffmpeg/engine.ts";
import { kindOf } from "../shared/files.ts";
import type { SampleKind } from "../shared/samples.ts";
import { Fonts } from "./fonts.ts";
import { fetchInput } from "./inputs.ts";
import { type Made, type MadeFile, Shelf } from "./shelf.ts";
import { makeSound, type SoundRequest } from "./sound.ts";
import { needsJapaneseFont } from "./subtitles.ts";
import { makeVideo, type VideoRequest } from "./video.ts";

export type { Made } from "./shelf.ts";
export type { SoundRequest } from "./sound.ts";
export type { VideoRequest } from "./video.ts";

/** WebAssembly makes 360p as fast as it plays; native ffmpeg 1080p. */
const SHORTEST_SIDE = { wasm: 360, native: 1080 };
const NOTO_SANS = "@expo-google-fonts/noto-sans@0.4.2/400Regular/NotoSans_400Regular.ttf";
const NOTO_SANS_JP = "@expo-google-fonts/noto-sans-jp@0.4.3/400Regular/NotoSansJP_400Regular.ttf";

interface Image {
  bytes: Uint8Array;
  width: number;
  height: number;
}

/** A video does not wait for it as long as a tool for its input. */
const IMAGE_TIMEOUT_MS = 5000;
/** Serves every file of npm by its path. */
const NPM_MIRROR = "https://cdn.jsdelivr.net/npm/";
/** ffmpeg says last why it stopped. */
const REASON_CHARACTERS = 300;

/** The bytes of a run's file by its name: undefined where a sample stands for it, null where they are gone. */
export function madeBytes(made: Made | null | undefined, name: string): Uint8Array | null | undefined {
  const kind = kindOf(name);
  return kind === undefined ? undefined : made?.files[kind]?.bytes;
}

/** The files that a tool makes, by their kinds. */
export type ToolFiles = Partial<Record<SampleKind, Uint8Array | undefined>>;

/** Makes the files of simulated runs with ffmpeg. All simulators of a stack share one. */
export class Studio {
  readonly #shelf = new Shelf();
  readonly #fonts: Fonts;
  readonly #ownOrigins = new Set<string>();
  #engine: Promise<FfmpegEngine | null> | undefined;
  #stopped = false;

  /** `note` is told what is fetched, and what cannot be made. Videos are scaled down to `shortestSide`. */
  constructor(private readonly note: (line: string) => void = () => {}, private readonly shortestSide = Infinity) {
    this.#fonts = new Fonts(note);
  }

  /** The ffmpeg that works here, looked for when it is first needed; null where there is none. */
  engine(): Promise<FfmpegEngine | null> {
    return this.#engine ??= findFfmpeg(this.note);
  }

  /** Permits inputs from the server of this address, which is a part of the local stack. */
  trust(url: string): void {
    this.#ownOrigins.add(new URL(url).origin);
  }

  /** A simulated video. Null where it cannot be made. */
  video(request: VideoRequest): Promise<Made | null> {
    return this.#tryToMake(["video", request], async (ffmpeg) => {
      const fonts = await this.fonts(request.prompt);
      const image = await this.#image(request, ffmpeg);
      const shaped = image !== null && request.image?.givesShape ? { ...request, ...shapeOf(request, image) } : request;
      const material = {
        shortestSide: Math.min(this.shortestSide, SHORTEST_SIDE[ffmpeg.kind]),
        fonts,
        image: image?.bytes ?? null,
      };
      return await makeVideo(ffmpeg, shaped, material);
    });
  }

  /** Simulated speech or music. Null where it cannot be made. */
  sound(request: SoundRequest): Promise<Made | null> {
    return this.#tryToMake(["sound", request], async (ffmpeg) => ({ mp3: await makeSound(ffmpeg, request) }));
  }

  /** What `work` makes. Files that were made for an equal `request` are used again. Null where there is no ffmpeg. */
  async make(request: unknown, work: (ffmpeg: FfmpegEngine) => Promise<ToolFiles>): Promise<Made | null> {
    const ffmpeg = await this.engine();
    return ffmpeg === null
      ? null
      : await this.#shelf.get(JSON.stringify(request), async () => await toMade(await work(ffmpeg), ffmpeg));
  }

  /** The fonts that a text needs, as inputs of a run. Without a network there may be none: then a text is not shown. */
  async fonts(text: string): Promise<Record<string, Uint8Array>> {
    const [latin, japanese] = await Promise.all([
      this.#fonts.read(NOTO_SANS),
      needsJapaneseFont(text) ? this.#fonts.read(NOTO_SANS_JP) : null,
    ]);
    return {
      ...(latin === null ? {} : { "fonts/NotoSans.ttf": latin }),
      ...(japanese === null ? {} : { "fonts/NotoSansJP.ttf": japanese }),
    };
  }

  /**
   * Reads an input of a run. A font of the pinned packages comes from npm itself instead of its public mirror: so it is
   * there without the internet too. Throws `InputError`.
   */
  async input(url: string): Promise<Uint8Array<ArrayBuffer>> {
    const font = url.startsWith(NPM_MIRROR) ? await this.#fonts.read(url.slice(NPM_MIRROR.length)) : null;
    return font ?? await fetchInput(url, this.#ownOrigins);
  }

  /** Says in one line why ffmpeg failed: a provider's answer to the run does not. */
  noteFailure(what: string, { message }: FfmpegError): void {
    if (!this.#stopped) this.note(`${what}: ${message.replaceAll(/\s+/g, " ").slice(-REASON_CHARACTERS)}`);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const engine = await this.#engine;
    await engine?.stop();
  }

  /** Null where a video has no image, and where it cannot be fetched: examples and tests name images that do not exist. */
  async #image({ image }: VideoRequest, ffmpeg: Ffmpeg): Promise<Image | null> {
    if (image === undefined) return null;
    try {
      const bytes = await fetchInput(image.url, this.#ownOrigins, IMAGE_TIMEOUT_MS);
      const { width, height } = await ffmpeg.probe(bytes);
      return width > 0 ? { bytes, width, height } : null;
    } catch {
      return null;
    }
  }

  async #tryToMake(request: unknown, work: (ffmpeg: FfmpegEngine) => Promise<ToolFiles>): Promise<Made | null> {
    try {
      return await this.make(request, work);
    } catch (error) {
      if (!this.#stopped) this.note(`The sample stands for what could not be made: ${error}`);
      return null;
    }
  }
}

/** As small as asked, in the shape of the image. */
function shapeOf({ width, height }: VideoRequest, image: Image): { width: number; height: number } {
  const factor = Math.min(width, height) / Math.min(image.width, image.height);
  return { width: Math.round(image.width * factor), height: Math.round(image.height * factor) };
}

async function toMade(files: ToolFiles, ffmpeg: Ffmpeg): Promise<Made> {
  const made: Partial<Record<SampleKind, MadeFile>> = {};
  for (const kind of ["mp4", "mp3", "jpg"] as const) {
    const bytes = files[kind];
    if (bytes !== undefined) made[kind] = { bytes, length: bytes.length };
  }
  const first = files.mp4 ?? files.mp3 ?? files.jpg;
  if (first === undefined) throw new FfmpegError("Nothing was made", "");
  return { files: made, measures: await ffmpeg.probe(first) };
}
