/**
 * The commands that Rendi runs for us: fixed templates, in which only checked numbers and names of our own files differ.
 * A text of a user is only ever inside a file, and an address is only ever in `input_files`.
 */

import { z } from "zod";
import { ProviderError } from "../provider.ts";

/** What is to be run, without the limits of a run. */
export interface RendiRequest {
  /** Several are one run: a later one may read what an earlier one wrote. */
  commands: readonly string[];
  /** Addresses by alias. */
  inputFiles: Readonly<Record<string, string>>;
  /** Names of files by alias. */
  outputFiles: Readonly<Record<string, string>>;
}

/** The models, so to speak, of this provider. */
export type TemplateName = "trim" | "join" | "loudness" | "mix" | "frame" | "subtitles";

const url = z.url({ protocol: /^https?$/ });
const urls = (minimum: number) => z.array(url).min(minimum).max(20);
const seconds = z.number().min(0.1).max(3600);

const TEMPLATES: Readonly<Record<TemplateName, (input: unknown) => RendiRequest>> = {
  trim: template(z.strictObject({ video_url: url, seconds }), trim),
  join: template(z.strictObject({ video_urls: urls(2) }), join),
  loudness: template(z.strictObject({ audio_url: url, loudness: z.number().min(-70).max(-5) }), loudness),
  mix: template(z.strictObject({ video_url: url, audio_urls: urls(1), seconds }), mix),
  frame: template(z.strictObject({ video_url: url, frame: z.enum(["first", "last"]) }), frame),
  subtitles: template(z.strictObject({ video_url: url, subtitles_url: url, font_urls: urls(1) }), subtitles),
};

/** The request for a template's input. Throws a rejected `ProviderError`, before anything is sent. */
export function requestOf(name: string, input: unknown): RendiRequest {
  const isTemplate = (key: string): key is TemplateName => Object.hasOwn(TEMPLATES, key);
  if (!isTemplate(name)) {
    throw new ProviderError("rejected", "provider_model_missing", `no template "${name}"`, ...NOT_SENT);
  }
  return checked(TEMPLATES[name](input));
}

const NOT_SENT = [false, { notSent: true }] as const;

/** Everything that a command may be made of: no other kind of quote, no backslash, dollar, backtick, pipe or newline. */
const ALPHABET = /^[A-Za-z0-9 _.,:;=+*/()[\]{}"?-]+$/;

/** What reads or writes anything but the files of the run, or a text. Rendi itself refuses `-y`. */
const FORBIDDEN =
  /(^| )-(y|filter_script|filter_complex_script|f lavfi)\b|a?movie=|drawtext|textfile|\b(file|https?|pipe|concat|data|tcp|udp):/i;

/** Throws a rejected `ProviderError` unless every command is harmless and names all files, and no other. */
export function checked(request: RendiRequest): RendiRequest {
  const { commands, inputFiles, outputFiles } = request;
  const refuse = (why: string) => new ProviderError("rejected", "provider_rejected_input", why, ...NOT_SENT);
  for (const command of commands) {
    if (!ALPHABET.test(command)) throw refuse(`a character in a command is not allowed: ${command}`);
    if (FORBIDDEN.test(command)) throw refuse(`a word in a command is not allowed: ${command}`);
  }
  const used = new Set(
    commands.flatMap((command) => [...command.matchAll(/\{\{(\w+)\}\}/g)].map(([, alias]) => alias)),
  );
  const known = new Set([...Object.keys(inputFiles), ...Object.keys(outputFiles)]);
  if (known.size === 0 || used.symmetricDifference(known).size > 0) {
    throw refuse(`the files and aliases differ: ${commands}`);
  }
  return request;
}

function template<Input>(
  schema: z.ZodType<Input>,
  build: (input: Input) => RendiRequest,
): (input: unknown) => RendiRequest {
  return (input) => {
    const parsed = schema.safeParse(input);
    if (parsed.success) return build(parsed.data);
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
    throw new ProviderError("rejected", "provider_rejected_input", problems, ...NOT_SENT);
  };
}

/** A number with three decimals: never an exponent, `NaN` or `Infinity`, since the schemas allow none. */
const decimal = (value: number): string => value.toFixed(3);

/**
 * Nearly without a loss, since a video may be worked on again. Every player can show yuv420p. Without B-frames, since with
 * them a copied picture, as in `mix`, ends two frames late.
 */
const PICTURE = "-c:v libx264 -preset veryfast -crf 18 -bf 0 -pix_fmt yuv420p";
const SOUND = "-c:a aac -b:a 192k";
/** A player can begin before it has the whole file. */
const PLAYABLE = "-movflags +faststart";

const VIDEO = { out_video: "video.mp4" };

/** The first `seconds` of a video. It is encoded again: a cut without that would only be possible at a key frame. */
function trim(input: { video_url: string; seconds: number }): RendiRequest {
  return {
    commands: [
      `-i {{in_video}} -t ${
        decimal(input.seconds)
      } -map 0:v:0 -map "0:a:0?" ${PICTURE} ${SOUND} ${PLAYABLE} {{out_video}}`,
    ],
    inputFiles: { in_video: input.video_url },
    outputFiles: VIDEO,
  };
}

/**
 * Videos one after the other, without their sound. `unsafe` lets other sizes than the first one's through, and `scale`
 * with `eval=init` keeps the first one's: `scale2ref` does the same, but was seen to lose a second of picture.
 */
function join(input: { video_urls: string[] }): RendiRequest {
  const files = numbered("in_video", input.video_urls);
  const pictures = input.video_urls.map((_, index) => `[${index}:v:0]`).join("");
  const graph = `${pictures}concat=n=${input.video_urls.length}:v=1:a=0:unsafe=1,` +
    "scale=iw:ih:eval=init,setsar=1,format=yuv420p[video]";
  return {
    commands: [`${inputs(files)} -filter_complex "${graph}" -map "[video]" ${PICTURE} ${PLAYABLE} {{out_video}}`],
    inputFiles: files,
    outputFiles: VIDEO,
  };
}

/**
 * A sound at a loudness in LUFS. Twice, because one pass was up to 1.4 LU off for music of a few seconds, the second one
 * ends within 0.8. The filter gives 192 kHz.
 */
function loudness(input: { audio_url: string; loudness: number }): RendiRequest {
  const pass = `loudnorm=I=${decimal(input.loudness)}:TP=-1.500:LRA=11.000,aresample=48000`;
  return {
    commands: [
      `-i {{in_audio}} -map 0:a:0 -af "${pass},${pass},aformat=channel_layouts=stereo" -c:a libmp3lame -b:a 192k {{out_audio}}`,
    ],
    inputFiles: { in_audio: input.audio_url },
    outputFiles: { out_audio: "audio.mp3" },
  };
}

/**
 * A video with these sounds instead of its own, each as loud as it is: `normalize` would divide them by their number. The
 * limiter only holds back peaks that would be cut off. The picture is copied.
 */
function mix(input: { video_url: string; audio_urls: string[]; seconds: number }): RendiRequest {
  const files = { in_video: input.video_url, ...numbered("in_audio", input.audio_urls) };
  const count = input.audio_urls.length;
  const tracks = input.audio_urls.map((_, index) =>
    `[${index + 1}:a:0]aresample=48000,aformat=channel_layouts=stereo[track${index + 1}];`
  ).join("");
  const names = input.audio_urls.map((_, index) => `[track${index + 1}]`).join("");
  const length = decimal(input.seconds);
  const graph = `${tracks}${names}amix=inputs=${count}:duration=longest:normalize=0,` +
    `alimiter=limit=0.950:level=0,apad,atrim=duration=${length}[sound]`;
  return {
    commands: [
      `${inputs(files)} -filter_complex "${graph}" -map 0:v:0 -map "[sound]" -c:v copy ${SOUND} -t ${length} ` +
      `${PLAYABLE} {{out_video}}`,
    ],
    inputFiles: files,
    outputFiles: VIDEO,
  };
}

/**
 * A frame as a JPEG, with the usual Huffman tables: ffmpeg as WebAssembly crashes when it computes its own. The last
 * frame is what is left when each one of the last three seconds has overwritten the one before: sound may be longer than
 * picture.
 */
function frame(input: { video_url: string; frame: "first" | "last" }): RendiRequest {
  const [seek, count] = input.frame === "first" ? ["", "-frames:v 1 "] : ["-sseof -3.000 ", ""];
  return {
    commands: [
      `${seek}-i {{in_video}} -map 0:v:0 ${count}-update 1 -threads 1 -pix_fmt yuvj420p -huffman default -q:v 2 {{out_image}}`,
    ],
    inputFiles: { in_video: input.video_url },
    outputFiles: { out_image: "frame.jpg" },
  };
}

/**
 * A video with subtitles drawn into its picture. The fonts go along inside a Matroska file, since a run has no folder of
 * fonts; without its font libass draws nothing, and does not fail.
 */
function subtitles(input: { video_url: string; subtitles_url: string; font_urls: string[] }): RendiRequest {
  const fonts = numbered("in_font", input.font_urls);
  const attached = Object.keys(fonts).map((alias) => `-attach {{${alias}}}`).join(" ");
  return {
    commands: [
      `-i {{in_subtitles}} ${attached} -metadata:s:t mimetype=application/x-truetype-font -c:s copy {{out_subtitles}}`,
      `-i {{in_video}} -map 0:v:0 -map "0:a:0?" -vf "subtitles={{out_subtitles}}" ${PICTURE} -c:a copy ${PLAYABLE} ` +
      "{{out_video}}",
    ],
    inputFiles: { in_video: input.video_url, in_subtitles: input.subtitles_url, ...fonts },
    outputFiles: { out_subtitles: "subtitles.mkv", ...VIDEO },
  };
}

/** `in_video_1`, `in_video_2` and so on. */
function numbered(prefix: string, addresses: readonly string[]): Record<string, string> {
  return Object.fromEntries(addresses.map((address, index) => [`${prefix}_${index + 1}`, address]));
}

function inputs(files: Readonly<Record<string, string>>): string {
  return Object.keys(files).map((alias) => `-i {{${alias}}}`).join(" ");
}
