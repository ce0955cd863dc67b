import { z } from "zod";
import { keepAlive } from "../runtime/background.ts";
import { adminClient, callProcedure } from "./client.ts";
import { errorText, type Log, type LogFields } from "../runtime/log.ts";
import { ServerTiming } from "../runtime/server-timing.ts";

/** Alerts of one request that become rows; further ones are only in the log. */
const MAX_ALERTS = 100;
/** The longest text that is stored, in UTF-16 units: a row of alerts has 8 KB at most. */
const MAX_TEXT_LENGTH = 500;

/**
 * Writes a request's alerts to the table of alerts, by one call when the request is over: the hosted log drops lines when
 * there are many. An alert that comes later, from work in the background, is written by a call of its own.
 */
export class Alerts {
  #waiting: { event: string; fields: LogFields }[] = [];
  #over = false;

  /** `log` gets an error when the rows cannot be written. */
  constructor(private readonly log: Log) {}

  add(event: string, fields: LogFields): void {
    if (this.#waiting.length < MAX_ALERTS) this.#waiting.push({ event, fields: shortened(fields) });
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
      const context = { client: adminClient(), timing: new ServerTiming() };
      await callProcedure(context, z.unknown(), "record_alerts", { p_alerts: JSON.parse(JSON.stringify(alerts)) });
    } catch (error) {
      this.log("error", "alerts_not_recorded", { count: alerts.length, error: errorText(error) });
    }
  }
}

/** The fields in a form that Postgres accepts. */
export function shortened(fields: LogFields): LogFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) =>
      // Postgres refuses NUL, and half an emoji, which the cut may leave: then all alerts of the request would be lost.
      typeof value === "string"
        ? [name, value.slice(0, MAX_TEXT_LENGTH).toWellFormed().replaceAll("\0", "\ufffd")]
        : [name, value]
    ),
  );
}
