// The client of a transitions product, written from the description of its API alone: its paths, its bodies, its states,
// its messages. Nothing in it knows of this project.
import { z } from "zod";

export interface TransitionParams {
  front_image: string;
  tail_image: string;
  prompt: string;
  duration: number;
  transition_type?: string;
  enable_subtitles?: boolean;
  subtitle_style?: string;
  subtitle_position?: string;
  subtitles?: { startTime: number; endTime: number; text: string }[];
  enable_music?: boolean;
  music_type?: string;
  enable_voiceover?: boolean;
}

/** The description's request, word for word. */
export const TRANSITION: TransitionParams = {
  front_image: "https://example.com/front.jpg",
  tail_image: "https://example.com/tail.jpg",
  prompt: "Dynamic video transition",
  duration: 5,
  transition_type: "ENERGETIC",
  enable_subtitles: true,
  subtitle_style: "default",
  subtitle_position: "bottom",
  subtitles: [{ startTime: 0, endTime: 2.5, text: "First subtitle" }],
  enable_music: true,
  music_type: "ambient",
  enable_voiceover: false,
};

const startedSchema = z.object({ task_id: z.string(), status: z.literal("pending"), message: z.string() });
const batchSchema = z.object({ tasks: z.array(z.object({ task_id: z.string() })), total: z.number() });

/** What a finished task has, field by field. */
const resultSchema = z.object({
  transition_id: z.int(),
  generated_transition_id: z.int(),
  video_url: z.url(),
  // Null until it is made, which is soon after the video.
  thumbnail_url: z.url().nullable(),
  duration: z.number(),
  status: z.literal("completed"),
  created_at: z.iso.datetime(),
});
export type TransitionResult = z.infer<typeof resultSchema>;

const infoSchema = z.object({ current: z.int(), total: z.int(), status: z.string() });
const statusSchema = z.discriminatedUnion("state", [
  z.object({ task_id: z.string(), state: z.literal("PENDING"), ready: z.literal(false), info: z.null() }),
  z.object({ task_id: z.string(), state: z.literal("PROCESSING"), ready: z.literal(false), info: infoSchema }),
  z.object({ task_id: z.string(), state: z.literal("SUCCESS"), ready: z.literal(true), result: resultSchema }),
  z.object({ task_id: z.string(), state: z.literal("FAILURE"), ready: z.literal(true), error: z.string() }),
]);
export type TaskStatus = z.infer<typeof statusSchema>;

/** What differs from one server to another, and how the client passes the time. */
export interface ClientSettings {
  baseUrl: string;
  token: string;
  wait(milliseconds: number): Promise<void>;
}

export class TransitionsClient {
  constructor(private readonly settings: ClientSettings) {}

  async createAndGenerateVideo(params: TransitionParams): Promise<z.infer<typeof startedSchema>> {
    return startedSchema.parse(await this.#send("/api/transitions/create-and-generate/", 202, params));
  }

  async batchCreateAndGenerate(transitions: TransitionParams[]): Promise<z.infer<typeof batchSchema>> {
    return batchSchema.parse(await this.#send("/api/transitions/batch-create-and-generate/", 202, { transitions }));
  }

  async checkTaskStatus(taskId: string): Promise<TaskStatus> {
    return statusSchema.parse(await this.#send(`/api/transitions/task-status/${taskId}/`, 200));
  }

  async pollTaskStatus(
    taskId: string,
    onStatus: (status: TaskStatus) => void = () => {},
    intervalMs = 2000,
    maxAttempts = 150,
  ): Promise<TransitionResult> {
    for (let attempt = 0; attempt < maxAttempts; attempt++) {
      await this.settings.wait(intervalMs);
      const status = await this.checkTaskStatus(taskId);
      onStatus(status);
      if (status.state === "SUCCESS") return status.result;
      if (status.state === "FAILURE") throw new Error(status.error);
    }
    throw new Error("Task polling timeout - maximum attempts reached");
  }

  async #send(path: string, expected: number, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.settings.baseUrl}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { "Content-Type": "application/json", "Authorization": `Token ${this.settings.token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer: unknown = await response.json();
    if (response.status !== expected) throw new Error(`Request failed with status ${response.status}`);
    return answer;
  }
}
