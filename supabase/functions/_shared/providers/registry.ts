/** Creates the adapter of each provider from the environment. */

import type { Environment } from "../runtime/environment.ts";
import { createImportAdapter } from "./import/import-adapter.ts";
import { createFalAdapter } from "./fal/falai-adapter.ts";
import { createRendiAdapter } from "./rendi/rendi-adapter.ts";
import { createRunpodAdapter } from "./runpod/runpod-adapter.ts";
import { createVeoAdapter } from "./veo/veo-adapter.ts";
import { resolveHost } from "./resolve-host.ts";
import { ProviderError, type VideoProvider } from "./provider.ts";

/** The providers that this deployment has keys for, each created at its first use. */
export interface Providers {
  /** Throws a fatal `ProviderError` for a provider that is unknown or has no key. */
  get(name: string): VideoProvider;
  /** Whether a provider is known and has its key. */
  has(name: string): boolean;
}

/** How long fal keeps the videos that users get from its own URLs. */
const A_YEAR_SECONDS = 365 * 24 * 60 * 60;

/** A new provider is one entry here and a folder beside this file: docs/providers.md. */
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
      // Required before anything is paid for: a video on a host that may not be opened is lost.
      mediaHosts: required(
        environment.RUNPOD_MEDIA_HOSTS ?? simulated(environment.RUNPOD_BASE_URL),
        "RUNPOD_MEDIA_HOSTS",
      ),
      ...(environment.RUNPOD_BASE_URL === undefined ? {} : { baseUrl: environment.RUNPOD_BASE_URL }),
    }),
  rendi: (environment) =>
    createRendiAdapter({
      key: required(environment.RENDI_API_KEY, "RENDI_API_KEY"),
      ...(environment.RENDI_BASE_URL === undefined ? {} : { baseUrl: environment.RENDI_BASE_URL }),
    }),
  import: (environment) => createImportAdapter(hasProxy(environment) ? {} : { resolveHost }),
  veo: (environment) =>
    createVeoAdapter({
      // Google's files open with our key only, so users cannot be sent there: they have to be copied to our Storage.
      key: required(
        environment.VIDEO_STORAGE === "supabase" ? environment.GEMINI_API_KEY : undefined,
        "GEMINI_API_KEY, with VIDEO_STORAGE=supabase,",
      ),
      ...(hasProxy(environment) ? {} : { resolveHost }),
      ...(environment.GEMINI_BASE_URL === undefined ? {} : { baseUrl: environment.GEMINI_BASE_URL }),
    }),
};

/** One registry per process: adapters keep what they have learned, such as the keys of webhooks. */
export function createProviders(environment: Environment): Providers {
  const made = new Map<string, VideoProvider>();
  function get(name: string): VideoProvider {
    const provider = made.get(name) ?? adapters[name]?.(environment);
    if (provider === undefined) throw new ProviderError("fatal", "provider_model_missing", `No provider "${name}"`);
    made.set(name, provider);
    return provider;
  }
  return {
    get,
    has(name) {
      try {
        get(name);
        return true;
      } catch (error) {
        if (error instanceof ProviderError) return false;
        throw error;
      }
    },
  };
}

/** Behind a proxy, the proxy resolves the names. */
function hasProxy(environment: Environment): boolean {
  return environment.HTTPS_PROXY !== undefined || environment.https_proxy !== undefined;
}

/** A simulator needs no list: its own origin is always allowed. */
function simulated(baseUrl: string | undefined): [] | undefined {
  return baseUrl === undefined ? undefined : [];
}

function required<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new ProviderError("fatal", "provider_unauthorized", `${name} is not set`);
  return value;
}
