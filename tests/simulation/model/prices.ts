export type Extra = "music" | "voiceover";

/** In credits. No two are equal, so that a refund of the wrong extra is noticed. */
export const PRICES = { music: 2, voiceover: 3, mix: 1, loudness: 0 };

/** The price of all extras of a video. Mixing them into the video is paid once. */
export function priceOfExtras(asked: readonly Extra[]): number {
  return asked.length === 0 ? 0 : PRICES.mix + asked.reduce((sum, extra) => sum + PRICES[extra], 0);
}

/** The refund for skipped extras. The mix is refunded only if all extras were skipped. */
export function refundFor(asked: readonly Extra[], leftOut: readonly string[]): number {
  return priceOfExtras(asked) - priceOfExtras(asked.filter((extra) => !leftOut.includes(extra)));
}
