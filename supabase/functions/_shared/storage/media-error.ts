import { z } from "zod";

/** Stable codes of what went wrong with a file, and whether another try may succeed. */
const RETRYABLE = {
  media_too_large: false,
  media_wrong_type: false,
  media_truncated: true,
  storage_unavailable: true,
  /** Our bucket or key is wrong, not the file: another try may succeed when the operator has corrected that. */
  storage_refused: true,
  /** The file is larger than the project's upload limit: no other try will succeed. */
  storage_too_large: false,
  file_missing: false,
} as const;

export type MediaErrorCode = keyof typeof RETRYABLE;

export class MediaError extends Error {
  override readonly name = "MediaError";
  readonly retryable: boolean;
  /** `detail` is for our log only. */
  constructor(
    readonly code: MediaErrorCode,
    readonly detail: string,
  ) {
    super(`${code}: ${detail}`);
    this.retryable = RETRYABLE[code];
  }
}

/**
 * storage-js's errors: hosted Storage often answers HTTP 400 and puts the real status into the body. A function, because
 * every endpoint imports this file and most instances never meet such an error.
 */
const storageError = () =>
  z.object({
    status: z.coerce.number().nullish().catch(null),
    statusCode: z.coerce.number().nullish().catch(null),
    originalError: z.unknown().optional(),
  });

const CODES_BY_STATUS: ReadonlyMap<number, MediaErrorCode> = new Map([
  [413, "storage_too_large"],
  [415, "media_wrong_type"],
  [408, "storage_unavailable"],
  [423, "storage_unavailable"],
  [429, "storage_unavailable"],
]);

/** What an error of storage-js means. `notFound` is the code for a missing file, where that is not our own mistake. */
export function toMediaError(error: Error, notFound: MediaErrorCode = "storage_refused"): MediaError {
  const { status, statusCode, originalError } = storageError().safeParse(error).data ?? {};
  const cause = wordsOf(originalError);
  const detail = `${statusCode ?? status ?? "no answer"}: ${error.message} ${cause}`.trim();
  // The words of Deno (2.1 and 2.9) for a request body that failed on the way: the provider's download broke off.
  if (cause.includes("reading a body from connection")) return new MediaError("media_truncated", detail);
  if (status === 404 || statusCode === 404) {
    return new MediaError(notFound, detail);
  }
  const code = CODES_BY_STATUS.get(statusCode ?? 0) ?? CODES_BY_STATUS.get(status ?? 0);
  if (code) return new MediaError(code, detail);
  const refused = typeof status === "number" && status >= 400 && status < 500;
  return new MediaError(refused ? "storage_refused" : "storage_unavailable", detail);
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  return `${error.message} ${wordsOf(error.cause)}`;
}
