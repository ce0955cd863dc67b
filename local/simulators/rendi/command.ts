import { type RendiRequest, requestOf } from "../../../supabase/functions/_shared/providers/rendi/rendi-commands.ts";

/**
 * The words of a command, as a shell would split it: at spaces, except between double quotes. Null where a quote is left
 * open.
 */
export function wordsOf(command: string): string[] | null {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (const character of command) {
    if (character === '"') {
      isQuoted = !isQuoted;
      word ??= "";
    } else if (character === " " && !isQuoted) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (word !== undefined) words.push(word);
  return isQuoted ? null : words;
}

/** The aliases that commands name, each once. */
export function aliasesIn(commands: readonly string[]): string[] {
  return [
    ...new Set(commands.flatMap((command) => [...command.matchAll(/\{\{(.*?)\}\}/g)].map(([, name = ""]) => name))),
  ];
}

/**
 * Whether the commands are those of one of our templates: nothing else is run on a developer's machine. Only the numbers
 * may differ.
 */
export function isTemplate({ commands, inputFiles, outputFiles }: RendiRequest): boolean {
  const aliases = Object.keys(inputFiles);
  const asked = shapeOf({ commands, inputFiles, outputFiles });
  return [...templates(aliases)].some((request) => shapeOf(request) === asked);
}

/** A request of each template that can have this many inputs. */
function* templates(aliases: readonly string[]): Generator<RendiRequest> {
  const url = "https://files.example/file";
  const urls = (prefix: string) => aliases.filter((alias) => alias.startsWith(prefix)).map(() => url);
  const [videos, sounds, fonts] = [urls("in_video_"), urls("in_audio_"), urls("in_font_")];
  yield requestOf("trim", { video_url: url, seconds: 1 });
  yield requestOf("frame", { video_url: url, frame: "first" });
  yield requestOf("frame", { video_url: url, frame: "last" });
  yield requestOf("loudness", { audio_url: url, loudness: -14 });
  if (videos.length > 1) yield requestOf("join", { video_urls: videos });
  if (sounds.length > 0) yield requestOf("mix", { video_url: url, audio_urls: sounds, seconds: 1 });
  if (fonts.length > 0) yield requestOf("subtitles", { video_url: url, subtitles_url: url, font_urls: fonts });
}

/** What is the same in all requests of a template with as many inputs. */
function shapeOf({ commands, inputFiles, outputFiles }: RendiRequest): string {
  const withoutNumbers = commands.map((command) => command.replaceAll(/-?\d+\.\d{3}/g, "#"));
  return JSON.stringify([withoutNumbers, Object.keys(inputFiles).sort(), Object.entries(outputFiles).sort()]);
}
