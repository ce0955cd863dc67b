import { z } from "zod";
import { MEDIA_FAULTS, SUBMIT_FAULTS } from "../shared/script.ts";
import { isOutcomeName, type OutcomeName } from "./outcomes.ts";

const milliseconds = z.number().min(0);
/** `locked`: 403, the account has no credit left. */
const submitFault = z.enum([...SUBMIT_FAULTS, "locked"]);
const failures = z.strictObject({ code: z.number().int().min(400).max(599), times: z.number().int().positive() });

/** A result that the test writes itself. */
const customOutcomeSchema = z.strictObject({
  status: z.number().int(),
  body: z.json(),
  headers: z.record(z.string(), z.string()).default({}),
  error: z.string().optional(),
  errorType: z.string().optional(),
});

/** One of fal's outcomes, or a result that the test writes itself. */
export const outcomeSchema = z.union([z.custom<OutcomeName>(isOutcomeName), customOutcomeSchema]);

/** The contents of a webhook and how it is signed. */
export const webhookContentSchema = z.strictObject({
  /** Signed by a key that is not in the JWKS. */
  forged: z.boolean(),
  /** One byte of the body changed after signing. */
  tampered: z.boolean(),
  /** Added to the timestamp before signing. The receiver must refuse more than 300 in either direction. */
  timestampOffsetSeconds: z.number().int(),
  /** The header with the user id. The signature is good. */
  userId: z.string(),
  /** `payload: null` with a `payload_error`. */
  payloadError: z.boolean(),
  /** The status in the body, whatever the outcome was. */
  status: z.enum(["OK", "ERROR"]),
}).partial();

/** How the webhook of a run is sent. */
const webhookScriptSchema = webhookContentSchema.extend({
  /** Never sent. */
  lost: z.boolean(),
  /** How many times each is sent. */
  copies: z.number().int().positive(),
  /** Sent this long after the run has ended. */
  lateMs: milliseconds,
  /** The run ends and its webhook is delivered before the submission is answered. */
  beforeAnswer: z.boolean(),
  /** Sent when the run starts: the status is still IN_PROGRESS. */
  early: z.boolean(),
  /** First a false ERROR webhook, then the true one. */
  errorFirst: z.boolean(),
}).partial();

/** What is to happen to a request; a field that is missing goes well. */
export const scriptSchema = z.strictObject({
  /** How many submissions the script counts for; without it, all of them. */
  times: z.number().int().positive(),
  queueMs: milliseconds,
  runMs: milliseconds,
  outcome: outcomeSchema,
  submit: submitFault,
  /** The submission is queued at once and answered this late. */
  answerAfterMs: milliseconds,
  /** Never leaves the queue. */
  stuck: z.boolean(),
  /** `queue_position` grows with each status call. */
  positionRises: z.boolean(),
  /** The runner dies half way, once: the run goes back to IN_QUEUE. */
  runnerLost: z.boolean(),
  /** The first status calls fail with a code. */
  statusFault: failures,
  /** The first result calls fail with a code. */
  resultFault: failures,
  /** Whether a cancel stops a run that has started. By default it does. */
  cancel: z.enum(["stops", "ignored"]),
  /** The answer to a cancel in the queue: 202 CANCELLATION_REQUESTED, the default, or 200 OK. */
  cancelAnswer: z.union([z.literal(202), z.literal(200)]),
  /** Whether a cancelled run sends an ERROR webhook. */
  cancelWebhook: z.boolean(),
  media: z.enum(MEDIA_FAULTS),
  /** The size of the video file. */
  mediaBytes: z.number().int().positive(),
  /** The output has integers beyond 2^53. */
  hugeIntegers: z.boolean(),
  webhook: webhookScriptSchema,
}).partial();

/** Which requests a script is for: a text that the prompt contains, an endpoint id, or both. */
export const matchSchema = z.union([
  z.string(),
  z.strictObject({ prompt: z.string(), endpoint: z.string() }).partial(),
]);

/** The settings of the whole simulator. */
export const settingsSchema = z.strictObject({
  /** The time in the queue and the time running, where a script does not say. */
  queueMs: milliseconds,
  runMs: milliseconds,
  /** How many requests run at once (fal: 2 on a new account). */
  concurrency: z.number().int().positive(),
  /** Submissions are answered with 403 "User is locked". */
  locked: z.boolean(),
  /** The key is revoked: every call is answered with 401. */
  revoked: z.boolean(),
  /** The code that every queue call is answered with; 0 for none. */
  outage: z.number().int(),
  /** A fault of every submission. */
  submit: submitFault.nullable(),
  /** How late every queue call is answered. */
  latencyMs: milliseconds,
  /** Output files are answered with 404. */
  filesExpired: z.boolean(),
  /** The JWKS route is answered with 503. */
  jwksDown: z.boolean(),
  /** Whether inputs are checked against the model's required fields and allowed values (422 on the result). */
  checkInput: z.boolean(),
  /** Whether webhooks are sent. */
  webhooks: z.boolean(),
  /** The wait before the first repeat of a refused webhook; it doubles. */
  webhookBackoffMs: milliseconds,
  /** How long a result can be fetched. */
  resultRetentionMs: milliseconds,
  /** Whether every endpoint id is accepted. One that is not built in makes a video of any input. */
  anyModel: z.boolean(),
  /** More endpoint ids that are accepted. They make videos. */
  endpoints: z.array(z.string()),
  /** The origin of files with the fault `foreign`: by default this server under another name. */
  foreignMediaOrigin: z.string(),
});

/** The settings that are to change. */
export const settingsChangesSchema = settingsSchema.partial();

/** A result that the test writes itself. */
export type CustomOutcome = z.input<typeof customOutcomeSchema>;
/** How a run ends. */
export type Outcome = OutcomeName | CustomOutcome;
/** The contents of a webhook and how it is signed. */
export type WebhookContent = z.infer<typeof webhookContentSchema>;
/** How the webhook of a run is sent. */
export type WebhookScript = z.infer<typeof webhookScriptSchema>;
/** What is to happen to a request. */
export type Script = z.input<typeof scriptSchema>;
/** Which requests a script is for. */
export type Match = z.infer<typeof matchSchema>;
/** The settings of the whole simulator. */
export type Settings = z.infer<typeof settingsSchema>;
/** The settings that are to change. */
export type SettingsChanges = z.infer<typeof settingsChangesSchema>;
