import type { Environment } from "../environment.ts";
import { createFalAdapter } from "../falai-adapter.ts";
import { ProviderError, type VideoProvider } from "./provider.ts";

/** The providers that this deployment has keys for, made when first asked for. */
export interface Providers {
  /** Throws a fatal `ProviderError` for a provider that is unknown or has no key. */
  get(name: string): VideoProvider;
}

/** How long a provider is to keep the videos that users are served from there. */
const A_YEAR_SECONDS = 365 * 24 * 60 * 60;

/** A new provider is one line here and one file beside `falai-adapter.ts`. */
const adapters: Record<string, (environment: Environment) => VideoProvider> = {
  fal: (environment) =>
    createFalAdapter({
      key: required(environment.FAL_KEY, "FAL_KEY"),
      ...(environment.FAL_QUEUE_URL === undefined ? {} : { queueUrl: environment.FAL_QUEUE_URL }),
      ...(environment.VIDEO_STORAGE === "provider" ? { keepMediaSeconds: A_YEAR_SECONDS } : {}),
      ...(environment.FAL_JWKS_URL === undefined ? {} : { jwksUrl: environment.FAL_JWKS_URL }),
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

function required(value: string | undefined, name: string): string {
  if (value === undefined) throw new ProviderError("fatal", "provider_unauthorized", `${name} is not set`);
  return value;
}
