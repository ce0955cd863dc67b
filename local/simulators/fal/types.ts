import type { JsonObject } from "../shared/json.ts";
import type { Studio } from "../studio/studio.ts";
import type { Match, Outcome, Script, SettingsChanges, WebhookContent } from "./script.ts";

/** How to start a simulator. */
export interface FalSimulatorOptions {
  /** @default a free one */
  port?: number;
  /** The only API key that is accepted. */
  key?: string;
  /** The clock of every time decision, in ms. @default Date.now */
  now?: () => number;
  /** @default 600 */
  queueMs?: number;
  /** @default 3000 */
  runMs?: number;
  /** How many requests run at once. @default 2 */
  concurrency?: number;
  /** Whether every model's id is accepted. @default false */
  anyModel?: boolean;
  /** Makes the outputs of the runs; without it they are samples. */
  studio?: Studio | undefined;
}

/** One attempt to deliver a webhook. */
export interface WebhookDelivery {
  at: number;
  attempt: number;
  /** The status of the answer; null where none came. */
  status: number | null;
  /** The `status` in the body. */
  reported: string;
}

/** An accepted request. */
export interface SubmittedRequest {
  id: string;
  /** Differs from `id` once the runner was lost. */
  gatewayId: string;
  /** As submitted, e.g. `fal-ai/veo3.1/fast`. */
  endpoint: string;
  /** Its first two segments, e.g. `fal-ai/veo3.1`. */
  app: string;
  input: JsonObject;
  /** The `x-fal-*` headers, `user-agent` and `content-type` of the submit. */
  headers: Record<string, string>;
  webhookUrl: string | null;
  script: Script;
  state: "IN_QUEUE" | "IN_PROGRESS" | "COMPLETED";
  cancelled: boolean;
  createdAt: number;
  /** When it may start. */
  readyAt: number;
  /** The start deadline of the caller. */
  startBy: number | null;
  startedAt: number | null;
  completedAt: number | null;
  /** Whether its runner was already lost once. */
  runnerLost: boolean;
  /** How it ended; null until then. */
  outcome: Outcome | null;
  /** The HTTP code of its result; null until it has ended. */
  resultStatus: number | null;
  /** The units that fal would bill; 0 for a failure. */
  billableUnits: number;
  calls: { status: number; result: number; cancel: number; file: number };
  webhooks: WebhookDelivery[];
}

/** What a test can change in a webhook that it sends. */
export interface DeliverOptions extends WebhookContent {
  /** Another receiver. */
  url?: string | undefined;
  /** Another body. */
  body?: JsonObject | undefined;
  /** @default 1 */
  copies?: number | undefined;
}

/** A running simulator. */
export interface FalSimulator {
  /** `http://127.0.0.1:<port>`: queue, files, JWKS and admin routes. */
  readonly url: string;
  readonly key: string;
  readonly jwksUrl: string;
  /** The accepted requests, oldest first. */
  readonly requests: readonly Readonly<SubmittedRequest>[];
  /** How many submissions arrived, accepted or not. */
  readonly submissions: number;
  readonly jwksFetches: number;
  /** Changes the settings that are named. */
  configure(changes: SettingsChanges): void;
  /** Scripts the requests that match; of several scripts the later ones win, field by field, and over words in the prompt. */
  script(match: Match, script: Script): void;
  /** Ends a request now, with the outcome of its script (`hang` and `stuck` end well). */
  finish(requestId: string): void;
  /** Ends a request now with this outcome. */
  fail(requestId: string, outcome: Outcome): void;
  /** Signs with a new key from now on; the old one leaves the JWKS unless `keepOld`. */
  rotateKeys(options?: { keepOld?: boolean }): Promise<void>;
  /** Sends the webhook of a request now, once, in any state. */
  deliverWebhook(requestId: string, options?: DeliverOptions): Promise<WebhookDelivery[]>;
  /** Does everything that is due on the clock, and waits for the answers to the webhooks under way. */
  tick(): Promise<void>;
  /** Forgets requests, scripts, settings and counts; the keys stay. */
  clear(): void;
  stop(): Promise<void>;
}
