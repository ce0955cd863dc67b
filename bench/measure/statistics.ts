/** Several measurements of the same thing. */
export interface Spread {
  median: number;
  lowest: number;
  highest: number;
}

/** The value below which this part of the values lies: 0.5 is the median. Between two values it is in proportion. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * part;
  const below = sorted[Math.floor(place)];
  const above = sorted[Math.ceil(place)];
  if (below === undefined || above === undefined) throw new Error("There is no quantile of no values");
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), lowest: quantile(values, 0), highest: quantile(values, 1) };
}

/** Three significant digits, and no more than three decimals: more would be noise. */
export function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(Number(value.toPrecision(3)).toFixed(3));
}
