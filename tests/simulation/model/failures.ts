import { z } from "zod";

const argumentSchema = z.object({ p_job_id: z.string() });

/** The jobs of which the database was told that they failed. */
export class Failures {
  readonly #asked = new Set<string>();

  /** The caller reports each call before it is made: its answer may come later than those that depend on it. */
  observe(procedure: string, request: string): void {
    if (procedure === "fail_job") this.#asked.add(argumentSchema.parse(JSON.parse(request)).p_job_id);
  }

  mayHaveFailed(jobId: string): boolean {
    return this.#asked.has(jobId);
  }
}
