import { type CoverageCounts } from "../runtime/coverage-counts.ts";
import type { Process } from "../runtime/process.ts";
import type { Random } from "../runtime/random.ts";

export type Service = "database" | "provider" | "storage";

/** What can happen to a call. `before`: the call is not made. `after`: it is made, and its answer is lost. */
export const FAULTS = [
  "crash before",
  "crash after",
  "stall before",
  "stall after",
  "drop before",
  "drop after",
  "gateway before",
  "gateway after",
  "refused",
] as const;
export type Fault = typeof FAULTS[number];

/** How many of a thousand calls meet each fault. */
const RATES: Readonly<Record<Fault, number>> = {
  "crash before": 3,
  "crash after": 4,
  "stall before": 1.5,
  "stall after": 1.5,
  "drop before": 2.5,
  "drop after": 4,
  "gateway before": 1.5,
  "gateway after": 2.5,
  "refused": 2,
};

/** The probability of a fault that the fault point has not met yet, so that rare points meet all faults too. */
const FIRST_TIME = 0.15;

/** Decides which calls fail, and counts them. */
export class FaultPlan {
  /** Services that are out of reach. */
  readonly down = new Set<Service>();
  enabled = true;

  constructor(private readonly counts: CoverageCounts) {}

  /** The fault for a call of this process; null for none. */
  choose(process: Process, service: Service, point: string): Fault | null {
    const fault = this.#draw(process, service, point);
    if (fault !== null) {
      process.disturbed = true;
      this.counts.add("faults", `${point} ${fault}`);
    }
    return fault;
  }

  #draw({ random, maySuffer }: Process, service: Service, point: string): Fault | null {
    if (!this.enabled || !maySuffer) return null;
    if (this.down.has(service)) return random.chance(0.5) ? "drop before" : "gateway before";
    const rare = rareFault(random, point, this.counts);
    if (rare !== null) return rare;
    let rest = random.next() * 1000;
    for (const fault of FAULTS) {
      rest -= RATES[fault];
      if (rest < 0) return fault;
    }
    return null;
  }
}

function rareFault(random: Random, point: string, counts: CoverageCounts): Fault | null {
  if (!random.chance(FIRST_TIME)) return null;
  return random.maybe(FAULTS.filter((fault) => counts.of("faults", `${point} ${fault}`) === 0)) ?? null;
}
