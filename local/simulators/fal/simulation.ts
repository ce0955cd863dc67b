import type { RunQueue } from "./run-queue.ts";
import type { Settings } from "./script.ts";
import type { Scripts } from "./scripts.ts";
import type { WebhookKeys } from "./signing.ts";
import type { Timeline } from "../shared/timeline.ts";
import type { Webhooks } from "./webhooks.ts";

/** What the routes work on. */
export interface Simulation {
  url: string;
  key: string;
  settings: Settings;
  timeline: Timeline;
  queue: RunQueue;
  scripts: Scripts;
  webhooks: Webhooks;
  keys: WebhookKeys;
  submissions: number;
  jwksFetches: number;
}

/** The settings of a new simulator. */
export function defaultSettings(
  port: number,
  started: Pick<Settings, "queueMs" | "runMs" | "concurrency"> & Partial<Pick<Settings, "anyModel">>,
): Settings {
  return {
    anyModel: false,
    ...started,
    locked: false,
    revoked: false,
    outage: 0,
    submit: null,
    latencyMs: 0,
    filesExpired: false,
    jwksDown: false,
    checkInput: true,
    webhooks: true,
    webhookBackoffMs: 1000,
    resultRetentionMs: 30 * 24 * 3_600_000,
    endpoints: [],
    foreignMediaOrigin: `http://localhost:${port}`,
  };
}
