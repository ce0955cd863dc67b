export type Extra = "music" | "voiceover" | "subtitles";

/** In credits. No two are equal, so that a refund of the wrong extra is noticed. */
export const PRICES = { music: 2, voiceover: 3, subtitles: 7, mix: 1, loudness: 0 };

/** The price of all extras of a video. Mixing its sound into the video is paid once. */
export function priceOfExtras(asked: readonly Extra[]): number {
  const mix = asked.some((extra) => extra !== "subtitles") ? PRICES.mix : 0;
  return asked.reduce((sum, extra) => sum + PRICES[extra], mix);
}

/** The refund for skipped extras. The mix is refunded only if all the sound was skipped. */
export function refundFor(asked: readonly Extra[], leftOut: readonly string[]): number {
  return priceOfExtras(asked) - priceOfExtras(asked.filter((extra) => !leftOut.includes(extra)));
}
