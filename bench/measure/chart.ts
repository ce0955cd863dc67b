import type { Comparison } from "./comparison.ts";
import { rounded } from "./statistics.ts";

const WIDTH = 760;
const LABEL = 300;
const ROW = 30;
const TOP = 44;
/** Room for the figure behind a bar. */
const MARGIN = 60;

/** A bar for each ratio, with a line from its lowest to its highest round, and a dashed line where both are equal. */
export function chartOf(title: string, comparisons: readonly Comparison[]): string {
  const largest = Math.max(1, ...comparisons.map(({ ratio }) => ratio.highest));
  const scale = (value: number) => LABEL + value / largest * (WIDTH - LABEL - MARGIN);
  const height = TOP + comparisons.length * ROW + 16;
  const equal = scale(1).toFixed(1);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="12" y="24" font-size="15" font-weight="bold" fill="#111827">${escape(title)}</text>`,
    ...comparisons.map((comparison, index) => barOf(comparison, TOP + index * ROW, scale)),
    `<line x1="${equal}" x2="${equal}" y1="${TOP - 6}" y2="${height - 10}" stroke="#6b7280" stroke-dasharray="4 3"/>`,
    "</svg>",
    "",
  ].join("\n");
}

function barOf({ opponent, ratio }: Comparison, top: number, scale: (value: number) => number): string {
  const middle = top + ROW / 2;
  const [begin, end, lowest, highest] = [0, ratio.median, ratio.lowest, ratio.highest].map(scale);
  return [
    `<text x="12" y="${middle + 4}" fill="#374151">${escape(opponent)}</text>`,
    `<rect x="${begin}" y="${top + 6}" width="${((end ?? 0) - (begin ?? 0)).toFixed(1)}" height="${
      ROW - 12
    }" fill="#4f46e5"/>`,
    `<line x1="${lowest?.toFixed(1)}" x2="${highest?.toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#111827"/>`,
    `<text x="${((highest ?? 0) + 6).toFixed(1)}" y="${middle + 4}" fill="#111827">${rounded(ratio.median)}</text>`,
  ].join("\n");
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
