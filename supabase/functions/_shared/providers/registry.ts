import type { Environment } from "../runtime/environment.ts";
import { createFalAdapter } from "./fal/falai-adapter.ts";
import { createRunpodAdapter } from "./runpod/runpod-adapter.ts";
import { createVeoAdapter } from "./veo/veo-adapter.ts";
import { resolveHost } from "./resolve-host.ts";
import { ProviderError, type VideoProvider } from "./provider.ts";

/** The providers that this deployment has keys for, made when first asked for. */
export interface Providers {
  /** Throws a fatal `ProviderError` for a provider that is unknown or has no key. */
  get(name: string): VideoProvider;
}

/** How long a provider is to keep the videos that users are served from there. */
const A_YEAR_SECONDS = 365 * 24 * 60 * 60;

/** A new provider is one line here and one file beside these: docs/providers.md. */
const adapters: Record<string, (environment: Environment) => VideoProvider> = {
  fal: (environment) =>
    createFalAdapter({
      key: required(environment.FAL_KEY, "FAL_KEY"),
      ...(environment.FAL_QUEUE_URL === undefined ? {} : { queueUrl: environment.FAL_QUEUE_URL }),
      ...(environment.VIDEO_STORAGE === "provider" ? { keepMediaSeconds: A_YEAR_SECONDS } : {}),
      ...(environment.FAL_JWKS_URL === undefined ? {} : { jwksUrl: environment.FAL_JWKS_URL }),
    }),
  runpod: (environment) =>
    createRunpodAdapter({
      key: required(environment.RUNPOD_API_KEY, "RUNPOD_API_KEY"),
      // Refused before anything is paid for: a video that may not be opened is lost.
      mediaHosts: required(
        environment.RUNPOD_MEDIA_HOSTS ?? simulated(environment.RUNPOD_BASE_URL),
        "RUNPOD_MEDIA_HOSTS",
      ),
      ...(environment.RUNPOD_BASE_URL === undefined ? {} : { baseUrl: environment.RUNPOD_BASE_URL }),
    }),
  veo: (environment) =>
    createVeoAdapter({
      // Google's files open with our key only: whoever is sent to one has paid for nothing. So they have to be copied.
      key: required(
        environment.VIDEO_STORAGE === "supabase" ? environment.GEMINI_API_KEY : undefined,
        "GEMINI_API_KEY, with VIDEO_STORAGE=supabase,",
      ),
      // Behind a proxy it is the proxy that looks names up.
      ...(environment.HTTPS_PROXY === undefined && environment.https_proxy === undefined ? { resolveHost } : {}),
      ...(environment.GEMINI_BASE_URL === undefined ? {} : { baseUrl: environment.GEMINI_BASE_URL }),
    }),
};

export function createProviders(environment: Environment): Providers {
  const made = new Map<string, VideoProvider>();
  return {
    get(name) {
      const provider = made.get(name) ?? adapters[name]?.(environment);
      if (provider === undefined) throw new ProviderError("fatal", "provider_model_missing", `No provider "${name}"`);
      made.set(name, provider);
      return provider;
    },
  };
}

/** A simulator serves its files itself. */
function simulated(baseUrl: string | undefined): [] | undefined {
  return baseUrl === undefined ? undefined : [];
}

function required<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new ProviderError("fatal", "provider_unauthorized", `${name} is not set`);
  return value;
}
