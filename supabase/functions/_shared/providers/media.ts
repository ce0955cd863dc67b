/** Opens files at URLs from a provider's answer or from a user. Such a URL may point anywhere, so hosts are checked. */

import { isAddress, isPrivateAddress, isPrivateHost } from "../runtime/private-host.ts";
import type { ResolveHost } from "./resolve-host.ts";
import { ProviderError } from "./provider.ts";

/** What may be opened, and how. */
export interface MediaOptions {
  /**
   * `cdn.example` (that host), `*.cdn.example` (hosts below it), `storage.example/folder/` (paths that start so), all
   * by https on port 443 only. `http://127.0.0.1:8123` permits exactly that origin: a simulator. `*` permits every
   * public host; only there private addresses have to be excluded, since the other forms name what they permit.
   */
  allowedHosts: readonly string[];
  /** Sent to the origin of the first URL only: they may hold a key. */
  headers?: Readonly<Record<string, string>>;
  /** Resolves each host that only `*` permits; without it only the name of such a host is checked. */
  resolveHost?: ResolveHost | undefined;
  /** Ends the wait for the answer. It does not end the body: the reader of the body has to limit that. */
  signal: AbortSignal;
  fetch?: typeof fetch;
}

const MAX_REDIRECTS = 3;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Returns the answer with its body unread, exactly as `fetch` gave it: `storeMedia` needs that. Follows up to three
 * redirects. Throws `ProviderError`: `rejected` where the file is gone (`result_expired`) or the URL is not allowed,
 * else `retryable`.
 */
export async function fetchMedia(url: string, options: MediaOptions): Promise<Response> {
  const first = allowedUrl(url, options.allowedHosts);
  let current = first;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    await requirePublic(current, options);
    const response = await open(current, current.origin === first.origin ? options.headers : undefined, options);
    if (response.ok) return response;
    await response.body?.cancel();
    const location = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || location === null) throw answerError(response.status, current);
    current = allowedUrl(location, options.allowedHosts, current);
  }
  throw new ProviderError(
    "retryable",
    "provider_bad_answer",
    `more than ${MAX_REDIRECTS} redirects from ${withoutQuery(first)}`,
  );
}

/** Called for each redirect too: a public name may lead to a private one. */
async function requirePublic(url: URL, { allowedHosts, resolveHost, signal }: MediaOptions): Promise<void> {
  const isNamed = allowedHosts.some((allowed) => allowed !== "*" && permits(allowed, url));
  if (resolveHost === undefined || isNamed || isAddress(url.hostname)) return;
  const addresses = await resolveHost(url.hostname, signal).catch((error: unknown) => {
    throw new ProviderError("retryable", "provider_unreachable", `${url.hostname} cannot be resolved: ${error}`);
  });
  if (addresses === null) return;
  if (addresses.length === 0) throw new ProviderError("retryable", "provider_unreachable", `no host ${url.hostname}`);
  if (addresses.some(isPrivateAddress)) throw notAllowed(`${url.hostname} is in a private network`);
}

async function open(url: URL, headers: MediaOptions["headers"], options: MediaOptions): Promise<Response> {
  // Not the caller's signal itself: where a download and the upload of its body share one signal, aborting it makes
  // Deno (2.1 and 2.9) reject a promise that no code can catch, which ends the process.
  const opening = new AbortController();
  const stop = () => opening.abort(options.signal.reason);
  if (options.signal.aborted) stop();
  options.signal.addEventListener("abort", stop, { once: true });
  try {
    return await (options.fetch ?? fetch)(url, {
      // Without compression, so that `Content-Length` is the length of the file.
      headers: { "accept-encoding": "identity", ...headers },
      redirect: "manual",
      signal: opening.signal,
    });
  } catch (error) {
    const code = options.signal.aborted ? "provider_timeout" : "provider_unreachable";
    throw new ProviderError("retryable", code, `${withoutQuery(url)}: ${String(error).replaceAll(url.href, "(url)")}`);
  } finally {
    options.signal.removeEventListener("abort", stop);
  }
}

function answerError(status: number, url: URL): ProviderError {
  const detail = `HTTP ${status} from ${withoutQuery(url)}`;
  if (status === 404 || status === 410) return new ProviderError("rejected", "result_expired", detail);
  const code = status === 401 || status === 403 ? "provider_unauthorized" : "provider_error";
  return new ProviderError("retryable", code, detail);
}

function allowedUrl(text: string, allowedHosts: readonly string[], base?: URL): URL {
  if (!URL.canParse(text, base?.href)) throw notAllowed("not a URL");
  const url = new URL(text, base);
  if (url.username || url.password) throw notAllowed(`a name or password in ${withoutQuery(url)}`);
  if (!allowedHosts.some((allowed) => permits(allowed, url))) throw notAllowed(withoutQuery(url));
  return url;
}

function permits(allowed: string, url: URL): boolean {
  if (allowed.includes("://")) return url.origin === new URL(allowed).origin;
  if (url.protocol !== "https:" || url.port !== "") return false;
  if (allowed === "*") return !isPrivateHost(url.hostname);
  if (allowed.startsWith("*.")) return url.hostname.endsWith(allowed.slice(1));
  return allowed.includes("/") ? `${url.hostname}${url.pathname}`.startsWith(allowed) : url.hostname === allowed;
}

function notAllowed(detail: string): ProviderError {
  return new ProviderError("rejected", "provider_bad_answer", `media address not allowed: ${detail}`);
}

/** For the log: without the query, which may hold a signature. */
function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
