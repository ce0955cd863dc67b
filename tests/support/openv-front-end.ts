// OpenV's own front end, written from the description of its product alone: its paths, bodies, polling and merging.
// Nothing in it knows of this project.
import assert from "node:assert/strict";
import { z } from "zod";

export const videoSchema = z.object({
  id: z.number(),
  jobId: z.string(),
  userId: z.string(),
  prompt: z.string(),
  status: z.enum(["queued", "processing", "completed", "failed"]),
  url: z.string().optional(),
  frames: z.number().optional(),
  createdAt: z.string(),
  updatedAt: z.string(),
});
export type Video = z.infer<typeof videoSchema>;

export const INPUT = {
  negative_prompt: "blurry",
  width: 832,
  height: 480,
  seed: 42,
  steps: 20,
  cfg: 5,
  num_frames: 81,
};

/** The front end, with the list that its page shows. */
export class FrontEnd {
  videos: Video[] = [];
  #lastUpdate = 0;
  /** How many requests for changes it has sent. */
  polls = 0;

  /** `clock` is the clock of the browser, in milliseconds. */
  constructor(
    private readonly baseUrl: string,
    private readonly token: string,
    private readonly clock: () => number,
    private readonly modelName: string,
  ) {}

  async load(): Promise<void> {
    this.videos = z.array(videoSchema).parse(await this.#ask("GET", "/api/videos"));
    this.#lastUpdate = this.clock();
  }

  async submit(prompt: string, input: Record<string, unknown> = INPUT): Promise<Video> {
    const video = videoSchema.parse(
      await this.#ask("POST", "/api/runpod", {
        prompt,
        modelName: this.modelName,
        frames: input.num_frames,
        input: { positive_prompt: prompt, ...input },
      }),
    );
    this.#merge([video]);
    return video;
  }

  /** Every twenty seconds, and only while something is being made. */
  async poll(): Promise<void> {
    if (!this.videos.some(({ status }) => status === "queued" || status === "processing")) return;
    this.polls++;
    this.#merge(z.array(videoSchema).parse(await this.#ask("GET", `/api/videos?updatedSince=${this.#lastUpdate}`)));
    this.#lastUpdate = this.clock();
  }

  async remove(jobIds: string[]): Promise<void> {
    await this.#ask("DELETE", "/api/videos", { jobIds });
    this.videos = this.videos.filter(({ jobId }) => !jobIds.includes(jobId));
  }

  find(jobId: string): Video {
    const video = this.videos.find((one) => one.jobId === jobId);
    assert.ok(video, `the page does not show ${jobId}`);
    return video;
  }

  #merge(updated: Video[]): void {
    const known = this.videos.map((video) => updated.find(({ id }) => id === video.id) ?? video);
    this.videos = [...updated.filter(({ id }) => known.every((video) => video.id !== id)), ...known];
  }

  async #ask(method: string, path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${response.status} ${answer.error}`);
    return answer;
  }
}
