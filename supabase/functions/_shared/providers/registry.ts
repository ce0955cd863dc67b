/** Creates the adapter of each provider from the environment. */

import type { Environment } from "../runtime/environment.ts";
import { resolveHost } from "./resolve-host.ts";
import { ProviderError, type VideoProvider } from "./provider.ts";

/** The providers that this deployment has keys for, each loaded and created at its first use. */
export interface Providers {
  /** Rejects with a fatal `ProviderError` for a provider that is unknown or has no key. */
  get(name: string): Promise<VideoProvider>;
  /** Whether a provider is known and has its key. */
  has(name: string): boolean;
}

/** How long fal keeps the videos that users get from its own URLs. */
const A_YEAR_SECONDS = 365 * 24 * 60 * 60;

/** Imports an adapter and creates it. Only then: each adapter, fal's with its client, would make every cold start longer. */
type Load = () => Promise<VideoProvider>;

/**
 * How each provider is configured; throws a fatal `ProviderError` where its key is missing. A new provider is one entry
 * here and a folder beside this file: docs/providers.md.
 */
const adapters: Record<string, (environment: Environment) => Load> = {
  fal(environment) {
    const config = {
      key: required(environment.FAL_KEY, "FAL_KEY"),
      ...(environment.FAL_QUEUE_URL === undefined ? {} : { queueUrl: environment.FAL_QUEUE_URL }),
      ...(environment.VIDEO_STORAGE === "provider" ? { keepMediaSeconds: A_YEAR_SECONDS } : {}),
      ...(environment.FAL_JWKS_URL === undefined ? {} : { jwksUrl: environment.FAL_JWKS_URL }),
    };
    return async () => (await import("./fal/falai-adapter.ts")).createFalAdapter(config);
  },
  runpod(environment) {
    const config = {
      key: required(environment.RUNPOD_API_KEY, "RUNPOD_API_KEY"),
      // Required before anything is paid for: a video on a host that may not be opened is lost.
      mediaHosts: required(
        environment.RUNPOD_MEDIA_HOSTS ?? simulated(environment.RUNPOD_BASE_URL),
        "RUNPOD_MEDIA_HOSTS",
      ),
      ...(environment.RUNPOD_BASE_URL === undefined ? {} : { baseUrl: environment.RUNPOD_BASE_URL }),
    };
    return async () => (await import("./runpod/runpod-adapter.ts")).createRunpodAdapter(config);
  },
  rendi(environment) {
    const config = {
      key: required(environment.RENDI_API_KEY, "RENDI_API_KEY"),
      ...(environment.RENDI_BASE_URL === undefined ? {} : { baseUrl: environment.RENDI_BASE_URL }),
    };
    return async () => (await import("./rendi/rendi-adapter.ts")).createRendiAdapter(config);
  },
  import(environment) {
    const config = hasProxy(environment) ? {} : { resolveHost };
    return async () => (await import("./import/import-adapter.ts")).createImportAdapter(config);
  },
  veo(environment) {
    const config = {
      // Google's files open with our key only, so users cannot be sent there: they have to be copied to our Storage.
      key: required(
        environment.VIDEO_STORAGE === "supabase" ? environment.GEMINI_API_KEY : undefined,
        "GEMINI_API_KEY, with VIDEO_STORAGE=supabase,",
      ),
      ...(hasProxy(environment) ? {} : { resolveHost }),
      ...(environment.GEMINI_BASE_URL === undefined ? {} : { baseUrl: environment.GEMINI_BASE_URL }),
    };
    return async () => (await import("./veo/veo-adapter.ts")).createVeoAdapter(config);
  },
};

/** One registry per process: adapters keep what they have learned, such as the keys of webhooks. */
export function createProviders(environment: Environment): Providers {
  const made = new Map<string, Promise<VideoProvider>>();
  function configure(name: string): Load {
    // The name may be of an address that anyone can call: what every object has, such as toString, is no provider.
    const load = Object.hasOwn(adapters, name) ? adapters[name]?.(environment) : undefined;
    if (load === undefined) throw new ProviderError("fatal", "provider_model_missing", `No provider "${name}"`);
    return load;
  }
  return {
    async get(name) {
      const provider = made.get(name) ?? configure(name)();
      made.set(name, provider);
      try {
        return await provider;
      } catch (error) {
        // An import that failed is repeated by the next call.
        made.delete(name);
        throw error;
      }
    },
    has(name) {
      try {
        configure(name);
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
