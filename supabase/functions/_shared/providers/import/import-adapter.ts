import { fetchMedia } from "../media.ts";
import { ProviderError, type VideoProvider } from "../provider.ts";
import type { ResolveHost } from "../resolve-host.ts";

/**
 * The files of videos that were imported from an earlier system. They may be at any public host. It makes nothing itself.
 */
export function createImportAdapter(resolveHost: ResolveHost | undefined): VideoProvider {
  const makesNothing = () =>
    Promise.reject(new ProviderError("fatal", "provider_model_missing", "Imported models make no videos"));
  return {
    submit: makesNothing,
    check: makesNothing,
    cancel: () => Promise.resolve(false),
    fetchMedia: (url, { signal }) => fetchMedia(url, { allowedHosts: ["*"], resolveHost, signal }),
  };
}
