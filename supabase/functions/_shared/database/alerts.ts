import { keepAlive } from "../runtime/background.ts";
import { adminClient } from "./client.ts";
import { errorText, type Log, type LogFields } from "../runtime/log.ts";

/** Alerts of one request that become rows; whatever there is more is in the log. */
const MOST_ALERTS = 100;
/** Of one text of an alert, in UTF-16 units: a row is bounded by 8 KB. */
const LONGEST_TEXT = 500;
const LIMIT_MS = 10_000;

/**
 * Makes rows of a request's alerts, by one call when the request is over: the hosted log drops lines when there are many.
 * What comes later, from work that goes on in the background, is a call of its own.
 */
export class Alerts {
  #waiting: { event: string; fields: LogFields }[] = [];
  #over = false;

  /** `log` is told when the rows cannot be written. */
  constructor(private readonly log: Log) {}

  add(event: string, fields: LogFields): void {
    if (this.#waiting.length < MOST_ALERTS) this.#waiting.push({ event, fields: shortened(fields) });
    if (this.#over) this.flush();
  }

  /** Writes the rows, in the background: no request waits for them or fails with them. */
  flush(): void {
    this.#over = true;
    const alerts = this.#waiting.splice(0);
    if (alerts.length > 0) keepAlive(this.#write(alerts));
  }

  async #write(alerts: { event: string; fields: LogFields }[]): Promise<void> {
    try {
      const { error } = await adminClient().rpc("record_alerts", { p_alerts: JSON.parse(JSON.stringify(alerts)) })
        .abortSignal(AbortSignal.timeout(LIMIT_MS));
      if (error !== null) throw new Error(`${error.code} ${error.message}`);
    } catch (error) {
      this.log("error", "alerts_not_recorded", { count: alerts.length, error: errorText(error) });
    }
  }
}

/** The fields as a row takes them. */
export function shortened(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) =>
      // Of NUL and half an emoji, where the text was cut, Postgres would refuse the alerts of the whole request.
      typeof value === "string"
        ? [name, value.slice(0, LONGEST_TEXT).toWellFormed().replaceAll("\0", "\ufffd")]
        : [name, value]
    ),
  );
}
