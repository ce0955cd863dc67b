import type { BenchUser } from "./bench-stack.ts";
import type { LoadRequest } from "./load.ts";

/** Kling 3 Standard of the catalogue: one credit a second. */
export const MODEL = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0001";

/** The body of each request for a video. */
export const BODY = JSON.stringify({
  model_id: MODEL,
  prompt: "A glowing cityscape at night, seen from a slow train that crosses a bridge",
  settings: { duration: 5, aspect_ratio: "16:9" },
});

/** A request for a video by each user; the load gives it its key. */
export function videoRequests(users: readonly BenchUser[], path: string): LoadRequest[] {
  return users.map(({ token }) => ({
    method: "POST",
    path,
    headers: { "authorization": `Bearer ${token}`, "content-type": "application/json" },
    body: BODY,
  }));
}

/** A request for the status of each of these jobs by its owner. */
export function statusRequests(
  jobs: readonly { user: BenchUser; jobId: string; tag?: string | undefined }[],
  path: string,
): LoadRequest[] {
  return jobs.map(({ user, jobId, tag }) => ({
    method: "GET",
    path: `${path}?job_id=${jobId}`,
    headers: { "authorization": `Bearer ${user.token}`, ...(tag === undefined ? {} : { "if-none-match": tag }) },
  }));
}
