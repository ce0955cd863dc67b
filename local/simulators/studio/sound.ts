import type { Ffmpeg } from "../ffmpeg/engine.ts";

/** Sound that a simulated model is to make: tones, for neither a voice nor music can be made here. */
export interface SoundRequest {
  kind: "voice" | "music";
  seconds: number;
}

const TIMEOUT_SECONDS = 60;

/** Two tones that swell four times a second, as syllables do; a chord that swells slowly. */
const TONES = {
  voice: "sin(2*PI*180*t)*(0.1+0.1*sin(2*PI*4*t))",
  music: "(sin(2*PI*220*t)+sin(2*PI*277.18*t)+sin(2*PI*329.63*t))*(0.06+0.02*sin(2*PI*0.5*t))",
};

/** An MP3 of that length. */
export async function makeSound(ffmpeg: Ffmpeg, { kind, seconds }: SoundRequest): Promise<Uint8Array | undefined> {
  const { "output.mp3": sound } = await ffmpeg.run({
    arguments: [
      ...["-f", "lavfi", "-i", `aevalsrc=${TONES[kind]}:s=44100:d=${seconds.toFixed(3)}`],
      ...["-c:a", "libmp3lame", "-b:a", "96k", "output.mp3"],
    ],
    inputs: {},
    outputs: ["output.mp3"],
    timeoutSeconds: TIMEOUT_SECONDS,
  });
  return sound;
}
