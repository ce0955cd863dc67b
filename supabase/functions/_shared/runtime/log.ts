/** The fields of a log line: ids, codes, numbers and short texts. Never a token, a key, a prompt or a signed URL. */
export type LogFields = Record<string, string | number | boolean | null | undefined>;

export type LogLevel = "info" | "warn" | "error" | "alert";

/** Writes one JSON object a line; `alert` is for what a person must handle now. */
export interface Log {
  (level: LogLevel, event: string, fields?: LogFields): void;
}

/** A log that adds the same fields (request id, job id) to every line. */
export function createLog(always: LogFields): Log {
  return (level, event, fields = {}) => {
    const line = JSON.stringify({ time: new Date().toISOString(), level, event, ...always, ...fields });
    // deno-lint-ignore no-console -- the hosted runtime collects what the console prints; this is the only place
    (level === "info" ? console.log : console.error)(line);
  };
}

/** A short text of an unknown error for the log. */
export function errorText(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
