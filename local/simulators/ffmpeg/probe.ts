/** What a media file is. */
export interface Probe {
  /** Zero for a picture. */
  seconds: number;
  /** Zero for sound alone. */
  width: number;
  height: number;
  framesPerSecond: number;
  hasSound: boolean;
}

/** Reads how ffmpeg describes its input; null where it found no streams. */
export function parseProbe(log: string): Probe | null {
  const [, hours = "0", minutes = "0", seconds = "0"] = /Duration: (\d+):(\d+):([\d.]+)/.exec(log) ?? [];
  const video = /Stream #.*: Video: .*/.exec(log)?.[0] ?? "";
  const [, width = "0", height = "0"] = /, (\d+)x(\d+)/.exec(video) ?? [];
  const [, frames = "0"] = /, ([\d.]+k?) fps/.exec(video) ?? [];
  const hasSound = /Stream #.*: Audio: /.test(log);
  if (video === "" && !hasSound) return null;
  return {
    seconds: Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds),
    width: Number(width),
    height: Number(height),
    framesPerSecond: Number(frames),
    hasSound,
  };
}
