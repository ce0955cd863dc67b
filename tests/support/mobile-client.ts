// The client of a mobile app on Supabase, written from the description of its flow and of its API's plan alone: its
// requests, its decoding, its errors, its polling. Nothing in it knows of this project.
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";

/** The cases of the app's error type. */
export type AppErrorCase =
  | "insufficientCredits"
  | "networkError"
  | "unauthorized"
  | "notFound"
  | "videoGenerationFailed"
  | "unknownError";

export class AppError extends Error {
  constructor(readonly kind: AppErrorCase, message: string, readonly details: Record<string, unknown> = {}) {
    super(message);
  }
}

export interface VideoGenerationRequest {
  user_id?: string;
  model_id: string;
  prompt: string;
  settings: { duration: number; resolution: string; aspect_ratio?: string; fps?: number };
}

const generationSchema = z.object({
  job_id: z.uuid(),
  status: z.string(),
  credits_used: z.int(),
  credits_remaining: z.int(),
});
export type VideoGenerationResponse = z.infer<typeof generationSchema>;

const jobSchema = z.object({
  job_id: z.uuid(),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  video_url: z.url().nullable(),
  thumbnail_url: z.url().nullable(),
  created_at: z.iso.datetime(),
  completed_at: z.iso.datetime().nullable(),
});
export type VideoJob = z.infer<typeof jobSchema>;

/** A row of the app's history, as it reads the table itself. */
const rowSchema = z.object({
  job_id: z.uuid(),
  user_id: z.uuid(),
  model_id: z.uuid(),
  prompt: z.string(),
  settings: z.record(z.string(), z.unknown()),
  status: z.enum(["pending", "processing", "completed", "failed"]),
  credits_used: z.int(),
  error_message: z.string().nullable(),
  video_url: z.string().nullable(),
  thumbnail_url: z.string().nullable(),
  created_at: z.iso.datetime({ offset: true }),
  completed_at: z.iso.datetime({ offset: true }).nullable(),
});
export type VideoRow = z.infer<typeof rowSchema>;

export interface AppSettings {
  supabaseUrl: string;
  publishableKey: string;
  token: string;
  wait(milliseconds: number): Promise<void>;
}

/** The pauses of the plan: 5, 10, then 20 seconds, for five minutes in all. */
const BACKOFF_MS = [5000, 10_000, 20_000];
const POLL_LIMIT_MS = 5 * 60_000;

export class MobileClient {
  readonly supabase: SupabaseClient;

  constructor(private readonly settings: AppSettings) {
    const headers = { Authorization: `Bearer ${settings.token}` };
    this.supabase = createClient(settings.supabaseUrl, settings.publishableKey, {
      global: { headers },
      auth: { persistSession: false },
    });
  }

  /** A tap on the button. The same key again is the same tap. */
  async generateVideo(
    request: VideoGenerationRequest,
    key = crypto.randomUUID().toUpperCase(),
  ): Promise<VideoGenerationResponse & { isReplay: boolean }> {
    const headers = { "Idempotency-Key": key, "Content-Type": "application/json" };
    const response = await this.#fetch("generate-video", { method: "POST", headers, body: JSON.stringify(request) });
    const isReplay = response.headers.get("X-Idempotent-Replay") === "true";
    return { ...generationSchema.parse(await response.json()), isReplay };
  }

  async getVideoStatus(jobId: string): Promise<VideoJob> {
    return jobSchema.parse(await (await this.#fetch(`get-video-status?job_id=${jobId}`, {})).json());
  }

  /** Waits for the video with pauses that grow. */
  async pollStatus(jobId: string, onPause: (milliseconds: number) => void = () => {}): Promise<VideoJob> {
    let waited = 0;
    for (let attempt = 0; waited < POLL_LIMIT_MS; attempt++) {
      const pause = BACKOFF_MS[Math.min(attempt, BACKOFF_MS.length - 1)] ?? 0;
      onPause(pause);
      await this.settings.wait(pause);
      waited += pause;
      const job = await this.getVideoStatus(jobId);
      if (job.status === "completed") return job;
      if (job.status === "failed") throw new AppError("videoGenerationFailed", "Video generation failed");
    }
    throw new AppError("unknownError", "Timed out");
  }

  /** The result screen: asks every two seconds until the video is over. */
  async showResult(jobId: string): Promise<VideoJob> {
    while (true) {
      const job = await this.getVideoStatus(jobId);
      if (job.status === "completed") return job;
      if (job.status === "failed") throw new AppError("videoGenerationFailed", "Video generation failed");
      await this.settings.wait(2000);
    }
  }

  /** The rows of the history screen, newest first. */
  async history(): Promise<VideoRow[]> {
    const { data, error } = await this.supabase.from("video_jobs").select("*").order("created_at", {
      ascending: false,
    });
    if (error) throw new AppError("unknownError", error.message);
    return z.array(rowSchema).parse(data);
  }

  /** The app's later phase: the server pushes each change of the table. Returns the way to stop. */
  async onChange(userId: string, receive: (row: VideoRow) => void): Promise<() => Promise<void>> {
    await this.supabase.realtime.setAuth(this.settings.token);
    const { promise, resolve } = Promise.withResolvers<void>();
    const wanted = { event: "*", schema: "public", table: "video_jobs", filter: `user_id=eq.${userId}` } as const;
    this.supabase.channel("video-jobs")
      .on("postgres_changes", wanted, (change) => receive(rowSchema.parse(change.new)))
      .on("system", {}, () => resolve())
      .subscribe();
    await promise;
    return async () => {
      await this.supabase.removeAllChannels();
      await this.supabase.realtime.disconnect();
    };
  }

  async #fetch(endpoint: string, init: RequestInit): Promise<Response> {
    const headers = {
      ...Object.fromEntries(new Headers(init.headers)),
      Authorization: `Bearer ${this.settings.token}`,
    };
    let response: Response;
    try {
      response = await fetch(`${this.settings.supabaseUrl}/functions/v1/${endpoint}`, { ...init, headers });
    } catch {
      throw new AppError("networkError", "The network is not available");
    }
    if (response.ok) return response;
    const { error, ...details } = z.looseObject({ error: z.string() }).parse(await response.json());
    const cases: Record<number, AppErrorCase> = { 401: "unauthorized", 402: "insufficientCredits", 404: "notFound" };
    throw new AppError(cases[response.status] ?? "unknownError", error, details);
  }
}
