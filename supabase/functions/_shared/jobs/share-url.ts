import { ConfigurationError, type Environment } from "../runtime/environment.ts";

/** The address of a link: the database's, otherwise below the functions' own address. Throws `ConfigurationError`. */
export function shareUrl(environment: Environment, { url, token }: { url: string | null; token: string }): string {
  if (url !== null) return url;
  if (environment.PUBLIC_FUNCTIONS_URL !== undefined) return `${environment.PUBLIC_FUNCTIONS_URL}/share/${token}`;
  throw new ConfigurationError(
    "The address of the functions is not known, so links have none: set app_settings.public_functions_url " +
      "(docs/operations.md)",
  );
}
