/** What a transition may have besides its picture. */
export type Extra = "music" | "voiceover";

/** In credits. Each differs from every other, so that a refund of the wrong one shows. */
export const PRICES = { music: 2, voiceover: 3, mix: 1, loudness: 0 };

/** What the extras of a video cost, and so what is given back for them: laying them under the video is paid once. */
export function priceOfExtras(asked: readonly Extra[]): number {
  return asked.length === 0 ? 0 : PRICES.mix + asked.reduce((sum, extra) => sum + PRICES[extra], 0);
}

/** What is given back for extras that were left out: the mix only with the last of them. */
export function refundFor(asked: readonly Extra[], leftOut: readonly string[]): number {
  return priceOfExtras(asked) - priceOfExtras(asked.filter((extra) => !leftOut.includes(extra)));
}
