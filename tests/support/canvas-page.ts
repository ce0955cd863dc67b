// The page of the canvas's own app, as its description has it: its paths, bodies, pauses, states and messages.
import assert from "node:assert/strict";
import type { SupabaseClient } from "@supabase/supabase-js";
import { z } from "zod";

/** `JobStatusResponse`. */
const jobStatusResponse = z.object({
  job_id: z.guid(),
  status: z.enum(["PENDING", "PROCESSING", "COMPLETED", "FAILED"]),
  result: z.object({ video_url: z.string() }).nullable(),
  error: z.string().nullable(),
});
export type JobStatusResponse = z.infer<typeof jobStatusResponse>;

export const nodeSchema = z.object({
  id: z.guid(),
  type: z.string(),
  status: z.enum(["idle", "pending", "processing", "completed", "failed"]),
  error_message: z.string().nullable(),
  data: z.looseObject({ video_url: z.string().optional() }),
});
export type CanvasNode = z.infer<typeof nodeSchema>;

export class NotFound extends Error {}

/** Of this backend it knows a base address and a token; its nodes it reads and writes with a Supabase client. */
export class CanvasPage {
  #nodes: CanvasNode[] = [];
  readonly pauses: number[] = [];

  constructor(
    private readonly baseUrl: string,
    private readonly token: string,
    private readonly data: SupabaseClient,
    private readonly sleep: (seconds: number) => Promise<void>,
  ) {}

  async #call(path: string, body?: unknown): Promise<JobStatusResponse> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { Authorization: `Bearer ${this.token}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (response.status === 404) throw new NotFound((await response.json()).error);
    if (!response.ok) throw new Error(await response.text());
    return jobStatusResponse.parse(await response.json());
  }

  generateVideo(request: Record<string, unknown>): Promise<JobStatusResponse> {
    return this.#call("/api/ai/generate-video", request);
  }

  getJob(jobId: string): Promise<JobStatusResponse> {
    return this.#call(`/api/ai/jobs/${jobId}`);
  }

  latestJob(nodeId: string): Promise<JobStatusResponse> {
    return this.#call(`/api/ai/nodes/${nodeId}/jobs/latest`);
  }

  /** `nodesApi.list(projectId)`, and what follows on page load. */
  async load(projectId: string): Promise<void> {
    const { data, error } = await this.data.from("nodes").select("*").eq("project_id", projectId);
    assert.equal(error, null);
    this.#nodes = z.array(nodeSchema).parse(data);
    for (const node of this.#nodes.filter(({ status }) => status === "processing")) await this.#resume(node);
  }

  async #resume(node: CanvasNode): Promise<void> {
    try {
      const job = await this.latestJob(node.id);
      if (job.status === "PENDING" || job.status === "PROCESSING") await this.poll(node.id, job.job_id);
      else this.#show(node.id, job);
    } catch (error) {
      if (!(error instanceof NotFound)) throw error;
      await this.#reset(node.id);
    }
  }

  /** The button: asks, then polls two seconds later, and every three seconds. */
  async clickGenerate(nodeId: string, request: Record<string, unknown>): Promise<JobStatusResponse> {
    const { job_id } = await this.generateVideo({ node_id: nodeId, ...request });
    await this.#wait(2);
    return await this.poll(nodeId, job_id);
  }

  async poll(nodeId: string, jobId: string): Promise<JobStatusResponse> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const job = await this.getJob(jobId).catch(async (error) => {
        if (error instanceof NotFound) {
          await this.#reset(nodeId);
          throw error;
        }
        return null;
      });
      if (job !== null && (job.status === "COMPLETED" || job.status === "FAILED")) return this.#show(nodeId, job);
      await this.#wait(job === null ? 10 : 3);
    }
    throw new Error("The page gave up");
  }

  async #wait(seconds: number): Promise<void> {
    this.pauses.push(seconds);
    await this.sleep(seconds);
  }

  #show(nodeId: string, job: JobStatusResponse): JobStatusResponse {
    const node = this.node(nodeId);
    if (node !== undefined) {
      node.status = job.status === "COMPLETED" ? "completed" : "failed";
      node.error_message = job.error;
      if (job.result !== null) node.data.video_url = job.result.video_url;
    }
    return job;
  }

  async #reset(nodeId: string): Promise<void> {
    const { error } = await this.data.from("nodes").update({ status: "idle" }).eq("id", nodeId);
    assert.equal(error, null);
    const node = this.node(nodeId);
    if (node !== undefined) node.status = "idle";
  }

  node(nodeId: string): CanvasNode | undefined {
    return this.#nodes.find(({ id }) => id === nodeId);
  }
}
