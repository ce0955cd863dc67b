import { z } from "zod";

/** The fields of steps that hold a file's address, and the ending that the address must have. */
const KINDS: Readonly<Record<string, string>> = {
  video_url: ".mp4",
  audio_url: ".mp3",
  start_image_url: ".jpg",
  end_image_url: ".jpg",
  first_frame_url: ".jpg",
  last_frame_url: ".jpg",
};

const tracksSchema = z.array(z.object({
  type: z.enum(["video", "audio"]),
  keyframes: z.array(z.object({ url: z.string(), timestamp: z.number(), duration: z.number() })).length(1),
})).min(2);

/**
 * What is wrong with the files in a step's input; null if nothing is. `opens` says whether the provider could fetch a file
 * from an address.
 */
export function checkStepInput(
  endpoint: string,
  input: Readonly<Record<string, unknown>>,
  opens: (url: URL) => boolean,
): string | null {
  const named = [...filesOf(input), ...tracksOf(input)];
  const wrong = named.find(({ url, ending }) =>
    !URL.canParse(url) || !opens(new URL(url)) || !new URL(url).pathname.endsWith(ending)
  );
  return wrong === undefined ? null : `${endpoint} was sent ${JSON.stringify(wrong)}`;
}

function filesOf(input: Readonly<Record<string, unknown>>): { url: string; ending: string }[] {
  const one = Object.entries(KINDS).flatMap(([field, ending]) =>
    field in input ? [{ url: String(input[field]), ending }] : []
  );
  const videos = z.array(z.string()).min(2).safeParse(input.video_urls).data ?? [];
  return [...one, ...videos.map((url) => ({ url, ending: ".mp4" }))];
}

function tracksOf({ tracks }: Readonly<Record<string, unknown>>): { url: string; ending: string }[] {
  if (tracks === undefined) return [];
  const parsed = tracksSchema.safeParse(tracks).data;
  if (parsed === undefined) return [{ url: "no tracks", ending: "" }];
  return parsed.flatMap(({ type, keyframes }) =>
    keyframes.map(({ url }) => ({ url, ending: type === "video" ? ".mp4" : ".mp3" }))
  );
}
