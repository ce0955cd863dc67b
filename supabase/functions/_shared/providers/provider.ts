/** The interface that every video provider's adapter implements. Nothing here knows the database. */

/** One request to a provider: the model, and the input exactly as it is sent. */
export interface Submission {
  /** The provider's own id of the model, e.g. `fal-ai/veo3.1`. */
  model: string;
  input: Readonly<Record<string, unknown>>;
  /** The URL to which the provider reports the end of the run; without it the run is only polled. */
  webhookUrl?: string;
  /**
   * How long the request may wait at the provider before it starts, in seconds. After that the job has given up on it.
   */
  startWithinSeconds: number;
}

/** Names a run at the provider. */
export interface ProviderRun {
  model: string;
  providerJobId: string;
  /**
   * The path of the video in the run's output (`files.0.href`), for a model whose output has none of the usual names.
   */
  outputPath?: string;
}

/** The URLs of what a finished run made. Each step of a job needs one of them. */
export interface Media {
  video_url?: string;
  thumbnail_url?: string;
  image_url?: string;
  audio_url?: string;
}

/** Where a run stands. `queuePosition` counts the requests before it, `percent` goes from 0 to 100; null is unknown. */
export type RunState =
  | { state: "queued"; queuePosition: number | null }
  | { state: "running"; percent: number | null }
  | { state: "succeeded"; media: Media }
  /** The provider itself said so, and it is final. `error.kind` says whether another attempt may succeed. */
  | { state: "failed"; error: ProviderError };

/**
 * What a provider's error means for the job:
 * - `retryable`: the same request may succeed later.
 * - `rejected`: the request itself is at fault (bad input, content policy); it would fail again.
 * - `fatal`: our account is at fault (key, balance); every request would fail. It opens the provider's circuit.
 */
export type ProviderErrorKind = "retryable" | "rejected" | "fatal";

/** Stable codes of what went wrong at a provider; `errors/job-errors.ts` has the sentence for each. */
export type ProviderErrorCode =
  | "provider_rejected_input"
  | "image_rejected"
  | "input_missing"
  | "input_unavailable"
  | "content_policy"
  | "no_media"
  | "provider_error"
  | "provider_timeout"
  | "provider_busy"
  | "provider_locked"
  | "provider_unauthorized"
  | "provider_model_missing"
  | "provider_unreachable"
  | "provider_bad_answer"
  | "result_expired"
  | "cancelled_by_provider";

/** What is known of the HTTP request that an error comes from. */
export interface ErrorFacts {
  /** True where the request failed on our side, so that nothing was sent to the provider. */
  notSent?: boolean;
  /** The HTTP status of the provider's answer; absent where no answer came. */
  status?: number | undefined;
  /** How many seconds the provider asked us to wait. */
  retryAfterSeconds?: number | undefined;
}

/** What a provider, or the way to it, did wrong. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  constructor(
    readonly kind: ProviderErrorKind,
    readonly code: ProviderErrorCode,
    /** The provider's own text, for our log only: users must not see it. */
    readonly detail: string,
    /**
     * Whether a paid run may have started although this error came back: the connection dropped, or a gateway timed
     * out. Only `submit` sets it. Such a request must not be sent again at once.
     */
    readonly mayHaveStarted = false,
    readonly facts: ErrorFacts = {},
  ) {
    super(`${code}: ${detail}`);
  }
}

/** For every call to a provider. */
export interface CallOptions {
  /** Ends the wait for the answer. */
  signal: AbortSignal;
}

/** An HTTP request that claims to come from a provider. The body is raw: a signature covers its exact bytes. */
export interface WebhookDelivery {
  headers: Headers;
  body: BufferSource;
}

/** How a provider reports that a run is over. It only wakes the job: the result is then read from the provider. */
export interface ProviderWebhook {
  /**
   * Whether the provider itself sent this, by its signature. Absent for a provider that signs nothing: there the token
   * in the webhook's URL is the only proof. Throws a retryable `ProviderError` where the signature cannot be checked
   * now.
   */
  verify?(delivery: WebhookDelivery): Promise<boolean>;
  /** The provider's id of the run in the body; null where there is none. */
  runId(body: BufferSource): string | null;
}

/** A video provider: docs/providers.md says how to add one. */
export interface VideoProvider {
  /** Starts a paid run. Sends exactly one request per call. Throws `ProviderError`. */
  submit(submission: Submission, options: CallOptions): Promise<ProviderRun>;
  /**
   * Asks for a run's state; free to repeat. Throws `ProviderError` where nothing was learned about the run: `fatal` for
   * a refused account, else `retryable`.
   */
  check(run: ProviderRun, options: CallOptions): Promise<RunState>;
  /**
   * Asks the provider to stop a run. False where it was too late, or the provider does not know the run or cannot
   * cancel. Throws `ProviderError` where the outcome is unknown.
   */
  cancel(run: ProviderRun, options: CallOptions): Promise<boolean>;
  /**
   * Opens a file that a finished run made; the answer's body is unread. Throws `ProviderError`: `retryable` where
   * another try may succeed, `rejected` with `result_expired` where the file is gone for good.
   */
  fetchMedia(url: string, options: CallOptions): Promise<Response>;
  /** Present where the provider sends webhooks. */
  readonly webhook?: ProviderWebhook;
}
