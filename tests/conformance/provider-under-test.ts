import assert from "node:assert/strict";
import {
  type CallOptions,
  type Media,
  ProviderError,
  type ProviderErrorCode,
  type ProviderErrorKind,
  type ProviderRun,
  type RunState,
  type Submission,
  type VideoProvider,
} from "../../supabase/functions/_shared/providers/provider.ts";

/** How long the runs of a simulated wait and last on its clock. */
export const PACE = { queueMs: 1000, runMs: 1000 };

/** What an error means, as `kind code`. */
export type ErrorClassName = `${ProviderErrorKind} ${ProviderErrorCode}`;

/** A provider at its simulator, with a clock that only the test moves. */
export interface SimulatedProvider {
  provider: VideoProvider;
  /** How many submissions arrived, whatever was answered. */
  submissions(): number;
  /** Ends a run now, as its words say. */
  finish(run: ProviderRun): void;
  /** Moves the clock and does what is due. */
  advance(milliseconds: number): Promise<void>;
  stop(): Promise<void>;
}

/** What the conformance suite has to know of a provider; the rest it finds out. */
export interface ProviderUnderTest {
  name: "fal" | "runpod" | "veo";
  /** Starts its simulator, and the adapter for it. */
  start(now: () => number, send?: typeof fetch): Promise<SimulatedProvider>;
  /** The adapter for a server of the test's own. */
  connect(origin: string, send?: typeof fetch): VideoProvider;
  /** The adapter for the provider itself; nothing leaves this machine if `send` does not let it. */
  production(send: typeof fetch): VideoProvider;
  /** The header that holds the key. */
  keyHeader: string;
  submission: Omit<Submission, "startWithinSeconds">;
  /** The input with this prompt. */
  inputOf(prompt: string): Submission["input"];
  /** A run that a server of the test's own is asked about. */
  run: ProviderRun;
  /** The answer that accepts a submission, and as which run. */
  accepted: [answer: unknown, run: ProviderRun];
  /** Whether the provider tells a run that waits from one that runs. */
  reportsQueue: boolean;
  /** What is told of a run that goes on, however odd. */
  checks: [what: string, answer: unknown, state: RunState][];
  /** How a run can fail: the words that make the simulator do so. */
  failures: [words: string, errorClass: ErrorClassName][];
  /** After what time since its end a run is forgotten. */
  retentionMs: number;
  /** What the provider answers about a run that it does not know. */
  unknownRun: { status: number; body: unknown };
  /** Whether a run can be cancelled, in each of its states. */
  cancels: { queued: boolean; running: boolean; ended: boolean };
  /** An allowed address of a file, another allowed host to which it redirects, and whether the first needs the key. */
  media: { url: string; redirectsTo: string; needsKey: boolean };
  /** The words by which a run is made whose medium cannot be had, and why. */
  brokenMedia: [words: string, errorClass: ErrorClassName][];
}

export const noTimeout = (): CallOptions => ({ signal: new AbortController().signal });

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

/** The error that a call throws, which must be a `ProviderError`. */
export async function errorOf(call: Promise<unknown>): Promise<ProviderError> {
  const error = await call.then(
    (value) => assert.fail(`no error but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ProviderError, `not a ProviderError: ${error}`);
  return error;
}

export function classOf(error: ProviderError): ErrorClassName {
  return `${error.kind} ${error.code}`;
}

/** The error that a run ended with. */
export function failureOf(state: RunState): ProviderError {
  if (state.state !== "failed") assert.fail(`not failed but ${JSON.stringify(state)}`);
  return state.error;
}

/** The media that a run made. */
export function mediaOf(state: RunState): Media {
  if (state.state !== "succeeded") assert.fail(`not succeeded but ${JSON.stringify(state)}`);
  return state.media;
}
