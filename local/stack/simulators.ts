import { type FalSimulator, type FalSimulatorOptions, startFalSimulator } from "../simulators/fal/simulator.ts";
import { type RendiSimulator, type RendiSimulatorOptions, startRendiSimulator } from "../simulators/rendi/simulator.ts";
import {
  type RunpodSimulator,
  type RunpodSimulatorOptions,
  startRunpodSimulator,
} from "../simulators/runpod/simulator.ts";
import { Studio } from "../simulators/studio/studio.ts";
import { startVeoSimulator, type VeoSimulator, type VeoSimulatorOptions } from "../simulators/veo/simulator.ts";

/** Which providers are real, and how the simulators of the others behave. */
export interface ProviderOptions {
  /** A real key of fal.ai; without one a simulator of fal.ai is started. */
  falKey?: string;
  falSimulator?: FalSimulatorOptions;
  /**
   * A real key of RunPod, of the Gemini API and of Rendi. Without a key a simulator is started, and its models are
   * offered.
   */
  runpodKey?: string;
  runpodSimulator?: RunpodSimulatorOptions;
  geminiKey?: string;
  veoSimulator?: VeoSimulatorOptions;
  rendiKey?: string;
  rendiSimulator?: RendiSimulatorOptions;
  /**
   * What simulated runs give: `canned`, the sample files; `made`, files made by ffmpeg as they were asked for. That may
   * fetch ffmpeg when the first run needs it. @default canned
   */
  media?: "canned" | "made";
  /** Made videos are scaled down to this, in pixels: tests have no time for large ones. */
  mediaShortestSide?: number;
  /** Called with what the user should know while the stack runs. */
  onNote?: (line: string) => void;
}

/** The simulators of the providers that are not real, and what makes their media. */
export interface Simulators {
  falSimulator: FalSimulator | null;
  runpodSimulator: RunpodSimulator | null;
  veoSimulator: VeoSimulator | null;
  rendiSimulator: RendiSimulator | null;
  /** Null where the media are samples. */
  studio: Studio | null;
}

/** Keeps a part, to be stopped with the stack, the newest first. */
type Keep = <Part extends { stop(): Promise<void> }>(starting: Promise<Part>) => Promise<Part>;

/** Starts the simulators of the providers without a key. */
export async function startSimulators(options: ProviderOptions, keep: Keep): Promise<Simulators> {
  const { falKey, runpodKey, geminiKey, rendiKey } = options;
  const studio = options.media === "made" ? new Studio(options.onNote, options.mediaShortestSide) : undefined;
  const fal = { anyModel: true, studio, ...options.falSimulator };
  const rendi: RendiSimulatorOptions = {
    ffmpeg: studio && (() => studio.engine()),
    fetchInput: studio && ((url) => studio.input(url)),
    ...options.rendiSimulator,
  };
  const simulators = {
    falSimulator: falKey ? null : await keep(startFalSimulator(fal)),
    runpodSimulator: runpodKey ? null : await keep(startRunpodSimulator({ studio, ...options.runpodSimulator })),
    veoSimulator: geminiKey ? null : await keep(startVeoSimulator({ studio, ...options.veoSimulator })),
    rendiSimulator: rendiKey ? null : await keep(startRendiSimulator(rendi)),
    studio: studio ?? null,
  };
  if (studio === undefined) return simulators;
  const { falSimulator, runpodSimulator, veoSimulator, rendiSimulator } = simulators;
  const bases = [runpodSimulator?.baseUrl, veoSimulator?.baseUrl, rendiSimulator?.baseUrl];
  for (const url of [falSimulator?.url, ...bases]) if (url !== undefined) studio.trust(url);
  // Stopped before the simulators: what it is making ends, and their runs with it.
  await keep(Promise.resolve(studio));
  return simulators;
}

/** The variables by which the functions call the providers: real keys, or the simulators. */
export function providerVariables(
  { falKey, runpodKey, geminiKey, rendiKey }: ProviderOptions,
  { falSimulator: fal, runpodSimulator: runpod, veoSimulator: veo, rendiSimulator: rendi }: Simulators,
): Record<string, string> {
  return {
    ...(falKey ? { FAL_KEY: falKey } : {}),
    ...(fal ? { FAL_KEY: fal.key, FAL_QUEUE_URL: fal.url, FAL_JWKS_URL: fal.jwksUrl } : {}),
    ...(runpodKey ? { RUNPOD_API_KEY: runpodKey } : {}),
    ...(runpod ? { RUNPOD_API_KEY: runpod.key, RUNPOD_BASE_URL: runpod.baseUrl } : {}),
    ...(geminiKey ? { GEMINI_API_KEY: geminiKey } : {}),
    ...(veo ? { GEMINI_API_KEY: veo.key, GEMINI_BASE_URL: veo.baseUrl } : {}),
    ...(rendiKey ? { RENDI_API_KEY: rendiKey } : {}),
    ...(rendi ? { RENDI_API_KEY: rendi.key, RENDI_BASE_URL: rendi.baseUrl } : {}),
  };
}
