/** What every video provider looks like from the inside. Adapters implement it; nothing here knows the database. */

/** One request to a provider: a model of theirs and the input exactly as it is sent. */
export interface Submission {
  /** The provider's own id of the model, e.g. `fal-ai/veo3.1`. */
  model: string;
  input: Readonly<Record<string, unknown>>;
  /** Where the provider reports the end of the run; absent means that we only poll. */
  webhookUrl?: string;
  /** How long the request may wait before it starts, in seconds: later than that nobody waits for it any more. */
  startWithinSeconds: number;
}

/** Names a run at the provider. */
export interface ProviderRun {
  model: string;
  providerJobId: string;
  /** Where in the run's output its video is, names with dots between, for a model that the usual names do not fit. */
  outputPath?: string;
}

/** The media a finished run made. A step of a job looks for the one that it is there to produce. */
export interface Media {
  video_url?: string;
  thumbnail_url?: string;
  image_url?: string;
  audio_url?: string;
}

export type RunState =
  | { state: "queued"; queuePosition: number | null }
  | { state: "running"; percent: number | null }
  | { state: "succeeded"; media: Media }
  /** The provider's own final word. `error.kind` tells whether another attempt may do better. */
  | { state: "failed"; error: ProviderError };

/**
 * What a provider's error means for the job:
 * - `retryable`: the same request may succeed later.
 * - `rejected`: the request itself is at fault (bad input, content policy); it would fail again.
 * - `fatal`: our account is at fault (key, balance); nobody's request would succeed.
 */
export type ProviderErrorKind = "retryable" | "rejected" | "fatal";

/** Stable codes of what went wrong at a provider; `http/errors.ts` has the sentence for each. */
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

/** What is known of the exchange that an error comes from. */
export interface ErrorFacts {
  /** Whether trouble of our own came first, so that the provider was not asked. */
  notSent?: boolean;
  /** The HTTP status of the provider's answer; absent where none came. */
  status?: number | undefined;
  /** How long the provider asked us to wait. */
  retryAfterSeconds?: number | undefined;
}

export class ProviderError extends Error {
  override readonly name = "ProviderError";
  constructor(
    readonly kind: ProviderErrorKind,
    readonly code: ProviderErrorCode,
    /** What the provider said, for our log only: it may hold text that users must not see. */
    readonly detail: string,
    /**
     * Whether the provider may have taken the request although this error came back. Only `submit` can leave that
     * open (a dropped connection, a gateway's time-out): such a request must not simply be sent again.
     */
    readonly mayHaveStarted = false,
    readonly facts: ErrorFacts = {},
  ) {
    super(`${code}: ${detail}`);
  }
}

export interface CallOptions {
  signal: AbortSignal;
}

/** A call from outside that says it is a provider's. The body is raw: a signature covers its very bytes. */
export interface WebhookDelivery {
  headers: Headers;
  body: BufferSource;
}

/** How a provider tells us that a run is over. It only wakes the job: what happened is then read from the provider. */
export interface ProviderWebhook {
  /**
   * Whether the provider itself sent this; absent for a provider that signs nothing, where the token in the address must
   * do. Throws a retryable `ProviderError` when that cannot be told now.
   */
  verify?(delivery: WebhookDelivery): Promise<boolean>;
  /** The provider's id of the run that the delivery tells of; null where it names none. */
  runId(body: BufferSource): string | null;
}

export interface VideoProvider {
  /** Costs money, so it is sent exactly once a call. Throws `ProviderError`. */
  submit(submission: Submission, options: CallOptions): Promise<ProviderRun>;
  /** Free to repeat. Throws a retryable `ProviderError` when this look told nothing: that is never a verdict. */
  check(run: ProviderRun, options: CallOptions): Promise<RunState>;
  /** Asks the provider to stop. False when it was too late or the provider does not know the run. */
  cancel(run: ProviderRun, options: CallOptions): Promise<boolean>;
  /**
   * Opens a file that a finished run made. Throws `ProviderError`: `retryable` where another try may do better,
   * `rejected` with `result_expired` where the file is gone for good.
   */
  fetchMedia(url: string, options: CallOptions): Promise<Response>;
  /** Present where the provider can call us back. */
  readonly webhook?: ProviderWebhook;
}
