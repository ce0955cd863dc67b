import { type AdminClient, adminClient } from "../database/client.ts";
import { type Environment, readEnvironment } from "../runtime/environment.ts";
import { SignedUrlCache } from "../storage/signed-url-cache.ts";
import { createProviders, type Providers } from "../providers/registry.ts";

/** What handlers need besides their request. They are created once per instance; tests pass their own. */
export interface Dependencies {
  client: AdminClient;
  providers: Providers;
  environment: Environment;
  signedUrls: SignedUrlCache;
  /** From 0 to 1, for the jitter of pauses. */
  random: () => number;
  /** Waits, in milliseconds. */
  pause: (milliseconds: number) => Promise<void>;
}

let real: Dependencies | undefined;

/** The real dependencies. Throws `ConfigurationError` when the environment is incomplete or wrong. */
export function dependencies(): Dependencies {
  return real ??= create();
}

function create(): Dependencies {
  const environment = readEnvironment();
  return {
    client: adminClient(),
    providers: createProviders(environment),
    environment,
    signedUrls: new SignedUrlCache(),
    random: Math.random,
    pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  };
}
