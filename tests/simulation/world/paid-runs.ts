import type { PaidRun } from "../model/submissions.ts";
import * as rendi from "./rendi.ts";
import * as runpod from "./runpod.ts";
import * as veo from "./veo.ts";
import type { World } from "./world.ts";

/** All runs of all providers, each provider's in the order in which it accepted them. */
export function paidRuns(world: Pick<World, "fal" | "rendi" | "runpod" | "veo">): PaidRun[] {
  return [...falRuns(world), ...runpodRuns(world), ...veoRuns(world), ...rendiRuns(world)];
}

function falRuns({ fal }: Pick<World, "fal">): PaidRun[] {
  return fal.runs.map((run) => {
    // fal passes a run's own failure on as a text with the status 500.
    const failed = run.resultStatus !== 200 || run.script.resultFault?.code === 500;
    return {
      provider: "fal",
      id: run.id,
      ...attemptIn(run.webhookUrl),
      succeededAt: run.resultStatus === 200 ? run.completedAt : null,
      failedAt: failed ? run.completedAt : null,
    };
  });
}

function runpodRuns({ runpod: { runs } }: Pick<World, "runpod">): PaidRun[] {
  return runs.map((run) => ({
    provider: "runpod",
    id: run.id,
    ...attemptIn(run.webhook),
    succeededAt: runpod.madeVideo(run) ? run.endedAt : null,
    failedAt: runpod.madeVideo(run) ? null : run.endedAt,
  }));
}

function veoRuns({ veo: { operations, attempts } }: Pick<World, "veo">): PaidRun[] {
  return operations.map((operation) => {
    const { job = "", attempt = 0 } = attempts.get(operation.id) ?? {};
    const made = operation.endedAt !== null && veo.madeVideo(operation);
    return {
      provider: "veo",
      id: operation.name,
      job,
      attempt,
      succeededAt: made ? operation.endedAt : null,
      failedAt: made ? null : operation.endedAt,
    };
  });
}

function rendiRuns({ rendi: { commands, attempts } }: Pick<World, "rendi">): PaidRun[] {
  return commands.map((command) => {
    const { job = "", attempt = 0 } = attempts.get(command.id) ?? {};
    const made = rendi.madeFile(command);
    return {
      provider: "rendi",
      id: command.id,
      job,
      attempt,
      succeededAt: made ? command.endedAt : null,
      failedAt: made ? null : command.endedAt,
    };
  });
}

/** The job and attempt of a run, read from its webhook address. */
export function attemptIn(webhookUrl: string | null): { job: string; attempt: number } {
  const query = new URL(webhookUrl ?? "").searchParams;
  return { job: query.get("job") ?? "", attempt: Number(query.get("attempt")) };
}
