/** What several procedures return: a job, a leased job, and what a report changed. */

import { z } from "zod";
import type { Log } from "../runtime/log.ts";

/** The job as its owner sees it, except that file paths become signed URLs. */
export const jobSchema = z.object({
  job_id: z.string(),
  id: z.number(),
  user_id: z.string(),
  kind: z.enum(["generation", "transition"]),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  video_path: z.string().nullable(),
  video_url: z.string().nullable(),
  thumbnail_path: z.string().nullable(),
  thumbnail_url: z.string().nullable(),
  subtitles_path: z.string().nullable(),
  /** The extras that the video was delivered without. */
  skipped_extras: z.array(z.string()),
  created_at: z.string(),
  completed_at: z.string().nullable(),
  prompt: z.string(),
  model_id: z.string(),
  settings: z.record(z.string(), z.unknown()),
  node_id: z.string().nullable(),
  credits_used: z.number(),
  credits_refunded: z.number(),
  error_code: z.string().nullable(),
  error_message: z.string().nullable(),
  attempts: z.number(),
  /** The provider of the current or last run. */
  provider: z.object({ name: z.string(), model: z.string(), request_id: z.string().nullable() }),
  progress: z.object({
    percent: z.number(),
    stage: z.string(),
    step: z.number(),
    steps: z.number(),
    step_name: z.string(),
    queue_position: z.number().nullable(),
  }),
  updated_at: z.string(),
  version: z.string(),
  poll_after_ms: z.number().nullable(),
});
export type Job = z.infer<typeof jobSchema>;

/** A file that a step made, at the provider that made it. */
const artifactSchema = z.object({ url: z.string(), provider: z.string() });
export type Artifact = z.infer<typeof artifactSchema>;

/** A leased job: what its worker needs to know, and the next action. */
export const leasedJobSchema = z.object({
  job_id: z.string(),
  user_id: z.string(),
  status: jobSchema.shape.status,
  action: z.enum(["submit", "check", "store", "expire", "give_up"]),
  step: z.object({
    name: z.string(),
    provider: z.string(),
    model: z.string(),
    input: z.record(z.string(), z.unknown()),
    produces: z.enum(["video_url", "image_url", "audio_url"]),
    /** The path to its video in the run's output, where the model's row names one. */
    output: z.string().nullish(),
    /** Whether the video may be delivered without it. */
    optional: z.boolean(),
  }),
  artifacts: z.record(z.string(), artifactSchema),
  attempt: z.number(),
  provider_job_id: z.string().nullable(),
  failures: z.number(),
  attempts_of_step: z.number(),
  attempts_left: z.number(),
  start_within_seconds: z.number(),
  past_deadline: z.boolean(),
  age_ms: z.number(),
  settings: jobSchema.shape.settings,
  /** Whether others can open the provider's files; if not, only our own copy can be delivered. */
  files_are_public: z.boolean(),
  copy_again: z.boolean(),
});
export type LeasedJob = z.infer<typeof leasedJobSchema>;

const unreadableSchema = z.object({ job_id: z.string(), problem: z.string().optional() });

/**
 * The leased jobs that can be read. The operator is told of another one, which would never end by itself; those that were
 * leased with it must go on.
 */
export function readableJobs<Leased extends LeasedJob>(
  log: Log,
  schema: z.ZodType<Leased>,
  rows: readonly unknown[],
): Leased[] {
  return rows.flatMap((row) => {
    const { data, error } = schema.safeParse(row);
    if (data !== undefined) return [data];
    const { job_id, problem } = unreadableSchema.parse(row);
    const issues = error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
    log("alert", "job_unreadable", { job_id, problem: problem ?? issues });
    return [];
  });
}

/**
 * How long a lease lasts, in seconds: longer than the calls that a worker makes under one lease, so that two workers on
 * one job are rare.
 */
export const LEASE_SECONDS = 60;

/** What a report changed, and the job as it is now: null for a job that was deleted meanwhile. */
export const changeSchema = z.object({ applied: z.boolean(), job: jobSchema.nullable() });
export type Change = z.infer<typeof changeSchema>;
