import type { Extra } from "../model/prices.ts";
import type { Random } from "../runtime/random.ts";

/** The extras of a request, and the fields that ask for them. */
export interface RandomExtras {
  /** Those that are paid for: `subtitles` are those in the picture. */
  extras: Extra[];
  /** The extras that the video may be delivered without. */
  spare: Extra[];
  /** Whether there is a file of subtitles beside the video. */
  subtitles: boolean;
  fields: Record<string, unknown>;
}

/** Draws the extras of a video of at least so many seconds. */
export function randomExtras(random: Random, seconds: number): RandomExtras {
  const subtitles = random.chance(0.4);
  const sounds = (["voiceover", "music"] as const).filter(() => random.chance(0.45));
  const extras: Extra[] = [...sounds, ...(subtitles && random.chance(0.5) ? ["subtitles" as const] : [])];
  const spare = extras.filter(() => random.chance(0.6));
  return {
    extras,
    spare,
    subtitles,
    fields: {
      ...music(random, extras),
      ...voiceover(random, extras, seconds),
      ...(subtitles ? subtitlesOf(random) : {}),
      ...(extras.includes("subtitles") ? { burn_in: true } : {}),
      ...(spare.length > 0 ? { deliver_without: spare } : {}),
    },
  };
}

function music(random: Random, extras: readonly Extra[]): Record<string, unknown> {
  if (extras.includes("music")) {
    return { enable_music: true, music_type: random.pick(["calm", "upbeat"]), music_volume: random.whole(1, 100) };
  }
  // Music with volume 0 is no music, and costs nothing.
  return random.chance(0.1) ? { enable_music: true, music_volume: 0 } : {};
}

/** The provider gets this text, and no other text of an extra: so it may hold prompt words. */
function voiceover(random: Random, extras: readonly Extra[], seconds: number): Record<string, unknown> {
  if (!extras.includes("voiceover")) return {};
  const word = random.pick(["", "", "server_error", "submit_drop_after times=1", "no_media", "hang"]);
  const text = `Hi ${word === "" ? "" : `[fal: ${word}]`}`;
  return { enable_voiceover: true, voiceover_text: text.length > seconds * 20 ? "Hi" : text };
}

function subtitlesOf(random: Random): Record<string, unknown> {
  return {
    enable_subtitles: true,
    subtitle_style: random.pick(["default", "bold", "animated", "minimal"]),
    subtitles: [{ startTime: 0, endTime: 0.5, text: "Hello <there>" }, { startTime: 0.5, endTime: 1, text: "Bye" }],
  };
}
