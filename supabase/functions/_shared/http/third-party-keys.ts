import { createLocalJWKSet, errors, type JWTVerifyGetKey } from "jose";
import { z } from "zod";
import { isPrivateHost } from "../runtime/private-host.ts";
import { readStream } from "./body.ts";

/** The keys are fetched anew after this time, so that a key that was withdrawn is no longer accepted. */
const KEPT_MS = 10 * 60 * 1000;
/** Between two fetches, also failed ones: tokens with forged key ids must not become a flood of fetches. */
const REFETCH_MS = 10 * 1000;
/** For both documents together: a user waits. */
const FETCH_LIMIT_MS = 5_000;
/** Some keys have some kilobytes. */
const MOST_BYTES = 256 * 1024;

export const RETRY_AFTER_SECONDS = REFETCH_MS / 1000;

/** The issuer's keys could never be fetched: whether its tokens are good is not known. */
export class IssuerUnreachable extends Error {
  override readonly name = "IssuerUnreachable";
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() });
const jwksSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })) });

/** The public keys of one issuer, found by OpenID Connect Discovery. They are fetched when they are first needed. */
export class IssuerKeys {
  #find: JWTVerifyGetKey | null = null;
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  #fetching: Promise<void> | null = null;
  #failure: unknown;

  constructor(
    private readonly issuer: string,
    private readonly send: typeof fetch,
    private readonly now: () => number,
  ) {}

  /** The key of a token by its header. Throws jose's errors where there is none, and `IssuerUnreachable`. */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    if (this.now() - this.#fetchedAt > KEPT_MS) await this.#refresh();
    try {
      return await this.#known()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#refresh();
      return await this.#known()(header, token);
    }
  };

  /** The keys of the last fetch that succeeded: an issuer that fails for a while shuts nobody out. */
  #known(): JWTVerifyGetKey {
    if (this.#find === null) throw new IssuerUnreachable(this.issuer, { cause: this.#failure });
    return this.#find;
  }

  /** Fetches the keys unless that was just tried; all callers wait for the same fetch. */
  async #refresh(): Promise<void> {
    if (this.#fetching === null && this.now() - this.#triedAt < REFETCH_MS) return;
    this.#fetching ??= this.#fetch().catch((error) => void (this.#failure = error)).finally(() => {
      // Counted from the end of a fetch: an issuer that hangs would otherwise let every request wait.
      this.#triedAt = this.now();
      this.#fetching = null;
    });
    await this.#fetching;
  }

  async #fetch(): Promise<void> {
    const signal = AbortSignal.timeout(FETCH_LIMIT_MS);
    const base = this.issuer.replace(/\/$/, "");
    const found = discoverySchema.parse(await this.#read(`${base}/.well-known/openid-configuration`, signal));
    if (found.issuer !== this.issuer) throw new Error(`it names itself ${found.issuer}`);
    const [issuer, keys] = [new URL(this.issuer), new URL(found.jwks_uri)];
    if (issuer.protocol === "https:" && keys.protocol !== "https:") throw new Error("its keys are not behind https");
    if (!isPrivateHost(issuer.hostname) && isPrivateHost(keys.hostname)) {
      throw new Error("its keys are in a private network");
    }
    this.#find = createLocalJWKSet(jwksSchema.parse(await this.#read(keys.href, signal)));
    this.#fetchedAt = this.now();
  }

  async #read(url: string, signal: AbortSignal): Promise<unknown> {
    const response = await this.send(url, { signal, redirect: "error", headers: { Accept: "application/json" } });
    if (response.ok) return JSON.parse(new TextDecoder().decode(await readStream(response.body, MOST_BYTES)));
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }
}
