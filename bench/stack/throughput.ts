import { compare, type Comparison, inTurn } from "../measure/comparison.ts";
import type { Effort, Figure } from "../measure/benchmark.ts";
import { spreadOf } from "../measure/statistics.ts";
import type { BenchStack } from "./bench-stack.ts";
import type { LoadRequest } from "./load.ts";

/** One side of a comparison of requests a second. */
export interface Side {
  url: string;
  /** The requests of one measurement; asked for each time, so that each has users without a history. */
  requests(): LoadRequest[] | Promise<LoadRequest[]>;
  /** Give each request a new Idempotency-Key. */
  newKeys?: boolean;
  /** The status of every answer. */
  expected: number;
}

/**
 * Requests before each pair, for each second of a measurement: REST has twenty connections, and Postgres compiles and plans
 * each procedure again on each of them, which takes longer than a hundred calls.
 */
const WARM_UP = 20;

export interface ThroughputOptions extends Pick<Comparison, "name" | "opponent" | "unit" | "goal"> {
  connections: number;
  ours: Side;
  theirs: Side;
}

/** What one measurement found: requests a second, and the milliseconds of CPU that one takes, by part of the stack. */
interface Speed {
  perSecond: number;
  cpu: Map<string, number>;
}

/**
 * Requests a second of both sides. Each measurement is a number of requests, which takes about as long as the effort says:
 * a load that ends after a time would cut off those under way, and the slower side would lose more of them.
 */
export async function compareThroughput(
  bench: BenchStack,
  { rounds, seconds, onProgress }: Effort,
  { connections, ours, theirs, ...description }: ThroughputOptions,
): Promise<{ comparison: Comparison; figures: Figure[] }> {
  async function measure({ requests, ...side }: Side, amount: number): Promise<Speed> {
    const order = { ...side, expected: [side.expected], connections, requests: await requests(), amount };
    const before = await bench.cpu();
    const { perSecond } = await bench.load.run(order);
    await Promise.all([bench.functions.rest(), bench.opponents.rest()]);
    const after = await bench.cpu();
    return { perSecond, cpu: new Map([...after].map(([part, ms]) => [part, (ms - (before.get(part) ?? 0)) / amount])) };
  }
  async function amountOf(side: Side): Promise<number> {
    const { perSecond } = await measure(side, connections + WARM_UP * seconds);
    return Math.max(connections, Math.round(seconds * perSecond));
  }

  onProgress(`${description.opponent}: warming up`);
  const amounts = { ours: await amountOf(ours), theirs: await amountOf(theirs) };
  const results = await inTurn(
    rounds,
    (round) => {
      onProgress(`${description.opponent}: round ${round + 1} of ${rounds}, ours`);
      return measure(ours, amounts.ours);
    },
    (round) => {
      onProgress(`${description.opponent}: round ${round + 1} of ${rounds}, theirs`);
      return measure(theirs, amounts.theirs);
    },
  );
  return {
    comparison: compare(description, results, ({ perSecond }) => perSecond),
    figures: [
      ...cpuFigures(`${description.name}_cpu_ours`, `${description.opponent}: ours`, results.map(({ ours }) => ours)),
      ...cpuFigures(
        `${description.name}_cpu_theirs`,
        `${description.opponent}: theirs`,
        results.map(({ theirs }) => theirs),
      ),
    ],
  };
}

/** The CPU of a request, in all and by part: it says where the time goes, and other work on the machine changes it less. */
function cpuFigures(name: string, what: string, speeds: readonly Speed[]): Figure[] {
  const parts = ["functions", "Postgres", "REST", "gateway"].filter((part) => speeds[0]?.cpu.has(part));
  const figure = (name: string, what: string, valueOf: (cpu: Map<string, number>) => number): Figure => ({
    name,
    what,
    unit: "ms of CPU",
    value: spreadOf(speeds.map(({ cpu }) => valueOf(cpu))),
  });
  if (parts.length === 0) return [];
  return [
    figure(name, what, (cpu) => parts.reduce((sum, part) => sum + (cpu.get(part) ?? 0), 0)),
    ...parts.map((part) => figure(`${name}_${part.toLowerCase()}`, `${what}, ${part}`, (cpu) => cpu.get(part) ?? 0)),
  ];
}
