import { z } from "zod";
import { isOutcomeName, type OutcomeName } from "./outcomes.ts";

/** What can go wrong while a request is submitted. A number is the HTTP code answered, with nothing queued. */
export const SUBMIT_FAULTS = [
  "drop_before",
  "drop_after",
  "bad_json",
  "locked",
  "401",
  "429",
  "500",
  "502",
  "503",
  "504",
] as const;

/** What can be wrong with an output file. */
export const MEDIA_FAULTS = [
  "dead",
  "wrong_type",
  "oversized",
  "truncated",
  "stalled",
  "no_length",
  "foreign",
  "private_redirect",
  "redirect_loop",
] as const;

const milliseconds = z.number().min(0);
const failures = z.strictObject({ code: z.number().int().min(400).max(599), times: z.number().int().positive() });

/** A result of one's own making. */
export const customOutcomeSchema = z.strictObject({
  status: z.number().int(),
  body: z.json(),
  headers: z.record(z.string(), z.string()).default({}),
  error: z.string().optional(),
  errorType: z.string().optional(),
});

/** One of fal's outcomes, or a result of one's own making. */
export const outcomeSchema = z.union([z.custom<OutcomeName>(isOutcomeName), customOutcomeSchema]);

/** What a webhook says and how it is signed. */
export const webhookContentSchema = z.strictObject({
  /** Signed by a key that is not in the JWKS. */
  forged: z.boolean(),
  /** One byte of the body changed after signing. */
  tampered: z.boolean(),
  /** Added to the timestamp before signing; the receiver must refuse beyond 300 either way. */
  timestampOffsetSeconds: z.number().int(),
  /** The user id header, well signed. */
  userId: z.string(),
  /** `payload: null` with a `payload_error`. */
  payloadError: z.boolean(),
  /** The status it tells, whatever the outcome. */
  status: z.enum(["OK", "ERROR"]),
}).partial();

/** How the webhook of a run is sent. */
export const webhookScriptSchema = webhookContentSchema.extend({
  /** Never sent. */
  lost: z.boolean(),
  /** How many times each is sent. */
  copies: z.number().int().positive(),
  /** Sent this long after the run is over. */
  lateMs: milliseconds,
  /** The run is over and its webhook delivered before the submit is answered. */
  beforeAnswer: z.boolean(),
  /** Sent when the run starts, so that the status still says IN_PROGRESS. */
  early: z.boolean(),
  /** A false ERROR webhook first, then the true one. */
  errorFirst: z.boolean(),
}).partial();

/** What is to happen to a request; all that is left out goes well. */
export const scriptSchema = z.strictObject({
  /** Only the first so many submissions are scripted; then all goes well. Without it: every one. */
  times: z.number().int().positive(),
  queueMs: milliseconds,
  runMs: milliseconds,
  outcome: outcomeSchema,
  submit: z.enum(SUBMIT_FAULTS),
  /** The submit is answered this late; the run is queued at once. */
  answerAfterMs: milliseconds,
  /** Never leaves the queue. */
  stuck: z.boolean(),
  /** `queue_position` grows with each look. */
  positionRises: z.boolean(),
  /** The runner dies half way, once: back to IN_QUEUE. */
  runnerLost: z.boolean(),
  /** The first so many status calls answer that code. */
  statusFault: failures,
  /** The first so many result calls answer that code. */
  resultFault: failures,
  /** What a cancel does to a run that has started: stops it (the default), or nothing. */
  cancel: z.enum(["stops", "ignored"]),
  /** The answer to a cancel in the queue: 202 CANCELLATION_REQUESTED (the default) or 200 OK. */
  cancelAnswer: z.union([z.literal(202), z.literal(200)]),
  /** Whether a cancelled run sends an ERROR webhook. */
  cancelWebhook: z.boolean(),
  media: z.enum(MEDIA_FAULTS),
  /** The size of the video file, made on the fly. */
  mediaBytes: z.number().int().positive(),
  /** Integers beyond 2^53 in the output. */
  hugeIntegers: z.boolean(),
  webhook: webhookScriptSchema,
}).partial();

/** Which requests a script is for: a text that the prompt contains, an endpoint id, or both. */
export const matchSchema = z.union([
  z.string(),
  z.strictObject({ prompt: z.string(), endpoint: z.string() }).partial(),
]);

/** The switches of the whole simulator. */
export const settingsSchema = z.strictObject({
  /** Time in the queue and running, where no script says otherwise. */
  queueMs: milliseconds,
  runMs: milliseconds,
  /** How many requests run at once (fal: 2 on a new account). */
  concurrency: z.number().int().positive(),
  /** Submits answer 403 "User is locked". */
  locked: z.boolean(),
  /** The key is no longer good: 401 everywhere. */
  revoked: z.boolean(),
  /** Every queue call answers this code; 0 for none. */
  outage: z.number().int(),
  /** A fault of every submit. */
  submit: z.enum(SUBMIT_FAULTS).nullable(),
  /** Every queue call is answered this late. */
  latencyMs: milliseconds,
  /** Output files answer 404. */
  filesExpired: z.boolean(),
  /** The JWKS route answers 503. */
  jwksDown: z.boolean(),
  /** Whether inputs are checked against the model's required fields and allowed values (422 on the result). */
  checkInput: z.boolean(),
  /** False: webhooks are never sent. */
  webhooks: z.boolean(),
  /** The wait before the first repeat of a refused webhook; it doubles. */
  webhookBackoffMs: milliseconds,
  /** How long a result can be fetched. */
  resultRetentionMs: milliseconds,
  /** Whether any id of an endpoint is taken: what is not built in makes videos of any input. */
  anyModel: z.boolean(),
  /** Endpoint ids known besides the built-in ones; they make videos. */
  endpoints: z.array(z.string()),
  /** Where the media fault `foreign` points: by default this server under another name. */
  foreignMediaOrigin: z.string(),
  /** Where the media fault `private_redirect` leads. */
  privateRedirectTarget: z.string(),
});

/** Those of them that are to change. */
export const settingsChangesSchema = settingsSchema.partial();

/** A fault of a submit. */
export type SubmitFault = typeof SUBMIT_FAULTS[number];
/** A fault of an output file. */
export type MediaFault = typeof MEDIA_FAULTS[number];
/** A result of one's own making. */
export type CustomOutcome = z.input<typeof customOutcomeSchema>;
/** How a run ends. */
export type Outcome = OutcomeName | CustomOutcome;
/** What a webhook says and how it is signed. */
export type WebhookContent = z.infer<typeof webhookContentSchema>;
/** How the webhook of a run is sent. */
export type WebhookScript = z.infer<typeof webhookScriptSchema>;
/** What is to happen to a request. */
export type Script = z.input<typeof scriptSchema>;
/** Which requests a script is for. */
export type Match = z.infer<typeof matchSchema>;
/** The switches of the whole simulator. */
export type Settings = z.infer<typeof settingsSchema>;
/** Those of them that are to change. */
export type SettingsChanges = z.infer<typeof settingsChangesSchema>;
