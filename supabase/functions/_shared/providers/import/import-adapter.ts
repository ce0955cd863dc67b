import { fetchMedia } from "../media.ts";
import { ProviderError, type VideoProvider } from "../provider.ts";
import type { ResolveHost } from "../resolve-host.ts";

/** `fetch` is for tests. */
export interface ImportOptions {
  resolveHost?: ResolveHost | undefined;
  fetch?: typeof fetch;
}

/**
 * The files of videos that were imported from an earlier system. They may be at any public host. It makes nothing itself.
 */
export function createImportAdapter(options: ImportOptions): VideoProvider {
  const makesNothing = () =>
    Promise.reject(new ProviderError("fatal", "provider_model_missing", "Imported models make no videos"));
  return {
    submit: makesNothing,
    check: makesNothing,
    cancel: () => Promise.resolve(false),
    fetchMedia: (url, { signal }) => fetchMedia(url, { allowedHosts: ["*"], ...options, signal }),
  };
}
