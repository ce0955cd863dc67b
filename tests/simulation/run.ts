import { CoverageCounts } from "./runtime/coverage-counts.ts";
import { type Demand, missingCoverage } from "./checks/coverage.ts";
import { Random } from "./runtime/random.ts";
import { Simulation } from "./simulation.ts";
import { createWorld, type World } from "./world/world.ts";

export interface RunOptions {
  seed: number;
  operations: number;
  users: number;
  connections: number;
  randomDelays?: boolean;
  mustMeet: Demand;
  onProgress?: (done: number) => void;
}

export interface Outcome {
  seed: number;
  operations: number;
  users: number;
  connections: number;
  /** A hash of all that happened: equal runs have the same. */
  fingerprint: string;
  seconds: number;
  /** Simulated days. */
  days: number;
  counts: CoverageCounts;
}

/** A run that failed, with what a person needs to find out why. */
export class SimulationFailed extends Error {
  override readonly name = "SimulationFailed";
}

/** Runs one world to its end, and checks it. Throws `SimulationFailed`. */
export async function simulate(options: RunOptions): Promise<Outcome> {
  const random = new Random(options.seed);
  const world = await createWorld(random.fork(), options);
  const simulation = new Simulation(world, random.fork());
  const begun = { at: world.clock.now(), real: performance.now() };
  try {
    await simulation.run(options.operations, options.onProgress);
    const missing = missingCoverage(world.counts, options.mustMeet);
    if (missing.length > 0) throw new SimulationFailed(missedCoverage(options, missing));
    return {
      seed: options.seed,
      operations: simulation.done,
      users: options.users,
      connections: options.connections,
      fingerprint: simulation.fingerprint,
      seconds: (performance.now() - begun.real) / 1000,
      days: (world.clock.now() - begun.at) / 86_400_000,
      counts: world.counts,
    };
  } catch (cause) {
    if (cause instanceof SimulationFailed) throw cause;
    throw new SimulationFailed(describe(options, simulation, world, cause), { cause });
  } finally {
    await world.stop();
  }
}

function describe(options: RunOptions, simulation: Simulation, world: World, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const history = world.procedureLog.linesOfJobIn(message);
  return [
    `Seed ${options.seed} failed at operation ${simulation.done}: ${message}`,
    ...(history.length === 0 ? [] : ["The history of the first job that it names:"]),
    ...history.map((line) => `  ${line}`),
    "What happened last:",
    ...simulation.log.map((line) => `  ${line}`),
    replay(options),
  ].join("\n");
}

function missedCoverage(options: RunOptions, missing: string[]): string {
  return `Seed ${options.seed} broke no invariant, but did not meet what a run of this length must meet: ${
    missing.join(", ")
  }.\n${replay(options)}`;
}

function replay({ seed, operations, users, connections }: RunOptions): string {
  const flags = `--seed ${seed} --operations ${operations} --users ${users} --connections ${connections}`;
  return `Run it again: npx -y deno@2.9.6 task simulate ${flags}`;
}
