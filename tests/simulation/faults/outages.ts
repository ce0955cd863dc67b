import type { Random } from "../runtime/random.ts";
import type { Simulation } from "../../../local/simulators/fal/simulation.ts";
import type { CoverageCounts } from "../runtime/coverage-counts.ts";
import type { FaultPlan } from "./call-faults.ts";

const KINDS = {
  "provider out of order": 3,
  "provider account locked": 1,
  "provider key revoked": 1,
  "submits answered 502": 1,
  "submits dropped after": 1,
  "too many requests": 1,
  "files gone": 0.5,
  "keys out of reach": 1,
  "RunPod out of order": 1,
  "Veo out of order": 1,
  "Rendi out of order": 1,
  "storage down": 3,
  "database down": 1,
};
type Kind = keyof typeof KINDS;

/** The services that an outage can stop. */
export interface Services {
  faults: FaultPlan;
  /** fal. */
  fal: { simulation: Pick<Simulation, "settings"> };
  runpod: { outage: number };
  veo: { outage: number };
  rendi: { outage: number };
  counts: CoverageCounts;
}

/** Outages of services. Each lasts for some operations and meets all users. */
export class OutageSchedule {
  #end: { at: number; what: string } | null = null;

  constructor(private readonly services: Services, private readonly random: Random) {}

  /** Begins an outage if there is none, or ends one that has lasted long enough. Returns what it did; null for nothing. */
  turn(operation: number): string | null {
    if (this.#end !== null) {
      if (operation < this.#end.at) return null;
      const { what } = this.#end;
      this.clear();
      return `no longer ${what}`;
    }
    if (!this.random.chance(0.004)) return null;
    const kind = this.random.weighted(KINDS);
    this.#end = { at: operation + this.random.whole(5, kind === "database down" ? 15 : 100), what: kind };
    this.#begin(kind);
    this.services.counts.add("operations", kind);
    return kind;
  }

  clear(): void {
    this.#end = null;
    this.services.faults.down.clear();
    this.services.runpod.outage = 0;
    this.services.veo.outage = 0;
    this.services.rendi.outage = 0;
    Object.assign(this.services.fal.simulation.settings, {
      outage: 0,
      locked: false,
      revoked: false,
      submit: null,
      filesExpired: false,
      jwksDown: false,
    });
  }

  #begin(kind: Kind): void {
    const { settings } = this.services.fal.simulation;
    switch (kind) {
      case "provider out of order":
        settings.outage = this.random.pick([500, 502, 503, 504]);
        return;
      case "provider account locked":
        settings.locked = true;
        return;
      case "provider key revoked":
        settings.revoked = true;
        return;
      case "submits answered 502":
        settings.submit = "502";
        return;
      case "submits dropped after":
        settings.submit = "drop_after";
        return;
      case "too many requests":
        settings.submit = "429";
        return;
      case "files gone":
        settings.filesExpired = true;
        return;
      case "keys out of reach":
        settings.jwksDown = true;
        return;
      case "RunPod out of order":
        this.services.runpod.outage = this.random.pick([500, 502, 503, 504]);
        return;
      case "Veo out of order":
        this.services.veo.outage = this.random.pick([500, 502, 503, 504]);
        return;
      case "Rendi out of order":
        this.services.rendi.outage = this.random.pick([500, 502, 503, 504]);
        return;
      case "storage down":
        this.services.faults.down.add("storage");
        return;
      case "database down":
        this.services.faults.down.add("database");
        return;
    }
  }
}
