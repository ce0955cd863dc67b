import type {
  ProviderRun,
  RunState,
  Submission,
  VideoProvider,
} from "../../supabase/functions/_shared/providers/provider.ts";
import type { ErrorClassText } from "../../supabase/functions/_shared/providers/test_support.ts";

/** How long the runs of a simulator wait and last on its clock. */
export const PACE = { queueMs: 1000, runMs: 1000 };

/** A provider at its simulator, with a clock that only the test moves. */
export interface SimulatedProvider {
  provider: VideoProvider;
  /** How many submissions arrived, whatever they were answered. */
  submissions(): number;
  /** Ends a run now, as the words in its prompt say. */
  finish(run: ProviderRun): void;
  /** Moves the clock and does what is due. */
  advance(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** All that the conformance suite knows of a provider. */
export interface ProviderUnderTest {
  name: "fal" | "rendi" | "runpod" | "veo";
  /** Starts its simulator, and the adapter for it. */
  start(now: () => number, send?: typeof fetch): Promise<SimulatedProvider>;
  /** The adapter for a server of the test. */
  connect(origin: string): VideoProvider;
  /** The adapter for the real service; nothing leaves this machine unless `send` does it. */
  production(send: typeof fetch): VideoProvider;
  /** The header that holds the key. */
  keyHeader: string;
  submission: Omit<Submission, "startWithinSeconds">;
  /** The input with this prompt. */
  inputOf(prompt: string): Submission["input"];
  /** A run to check at a server of the test. */
  run: ProviderRun;
  /** An answer that accepts a submission, and the run that it names. */
  accepted: [answer: unknown, run: ProviderRun];
  /** Whether the provider reports that a run is queued. */
  reportsQueue: boolean;
  /** Answers about a run that has not ended, also strange ones, and the state that they mean. */
  checks: [what: string, answer: unknown, state: RunState][];
  /** The words that make the simulator's run fail, and the class of the error. */
  failures: [words: string, errorClass: ErrorClassText][];
  /** How long after its end the provider keeps a run. */
  retentionMs: number;
  /** The answer about a run that the provider does not know. */
  unknownRun: { status: number; body: unknown };
  /** Whether a cancellation succeeds in each state of the run, and whether a second one reports success again. */
  cancels: { queued: boolean; running: boolean; ended: boolean; again: boolean };
  /** An allowed URL of a file, another allowed host to which it redirects, and whether the first needs the key. */
  media: { url: string; redirectsTo: string; needsKey: boolean };
  /** The words that make the simulator's file unusable, and the class of the error. */
  brokenMedia: [words: string, errorClass: ErrorClassText][];
}

/** A submission, with words for the simulator in its prompt. */
export function submissionOf(tested: ProviderUnderTest, words?: string): Submission {
  const prompt = words === undefined ? "A lighthouse" : `A lighthouse [${tested.name}: ${words}]`;
  return { ...tested.submission, input: tested.inputOf(prompt), startWithinSeconds: 90 };
}

export async function withSimulator(
  tested: ProviderUnderTest,
  test: (simulated: SimulatedProvider) => Promise<void>,
  send?: typeof fetch,
): Promise<void> {
  let time = Date.UTC(2026, 10, 1);
  const simulated = await tested.start(() => time, send);
  const advance: SimulatedProvider["advance"] = async (milliseconds) => {
    time += milliseconds;
    await simulated.advance(0);
  };
  try {
    await test({ ...simulated, advance });
  } finally {
    await simulated.stop();
  }
}
