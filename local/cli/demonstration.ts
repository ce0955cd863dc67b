import { z } from "zod";
import { type Api, ApiError, type User } from "./api.ts";
import { pickModel } from "./catalogue.ts";
import { generate, type Job, waitForVideo } from "./generation.ts";
import type { OutputFile } from "./output-file.ts";
import { explainProviderRefusal } from "./provider-refusals.ts";
import { createProgressBar, print, printNote } from "./terminal.ts";

/** The project that the demo calls, and how a later command finds a job there again. */
export interface DemoProject {
  api: Api;
  /** The flags that name the same project; undefined where it ends with the demo. */
  flags: string | undefined;
  callsFal: boolean;
}

/** The video to make or to fetch, and its user; without an owner a new user. */
export interface DemoOptions {
  prompt: string;
  owner: { email: string; password: string } | undefined;
  job: string | undefined;
  json: boolean;
}

const ledger = z.array(z.object({ change: z.number(), reason: z.string(), balance_after: z.number() }));
const balances = z.array(z.object({ credits_remaining: z.number() }));

/** Generates one video, from sign-up to file, and prints what it cost. */
export async function demonstrate(
  project: DemoProject,
  options: DemoOptions,
  output: OutputFile,
  begin: number,
): Promise<void> {
  const times: Record<string, number> = {};
  function recordTime(phase: string): void {
    const before = Object.values(times).reduce((sum, time) => sum + time, 0);
    times[phase] = Math.round(performance.now() - begin) - before;
  }

  recordTime("start_ms");
  using interruption = listenForInterruption();
  const { api } = project;
  const owner = options.owner ??
    { email: `demo-${crypto.randomUUID()}@reelmint.example`, password: crypto.randomUUID() };
  const user = await api.signIn(owner.email, owner.password);
  printNote(`Signed in as ${user.email}, who has ${await readCredits(api, user)} credits.`);
  recordTime("sign_in_ms");

  // A request under way is not interrupted: its answer has the id of the job that was paid for.
  if (interruption.signal.aborted) throw new Error("Interrupted. Nothing was charged.");
  const jobId = options.job ?? await submit(api, user, options.prompt);
  recordTime("submit_ms");
  const job = await withResumeHint(resumeHint(project, jobId, user, options), interruption.signal, async () => {
    const finished = await follow(api, user, jobId);
    recordTime("generate_ms");
    if (finished.status === "completed") await download(finished, output);
    recordTime("download_ms");
    return finished;
  });
  if (job.status === "failed") throw new Error(describeFailure(job));

  const rows = await api.call(user, "/rest/v1/quota_log?select=change,reason,balance_after&order=id", ledger);
  const result = {
    status: job.status,
    job_id: jobId,
    file: output.nameFor(jobId),
    credits_used: job.credits_used,
    credits_remaining: await readCredits(api, user),
    ledger: rows,
    times,
  };
  if (options.json) return print(JSON.stringify(result));
  for (const { change, reason, balance_after } of rows) {
    print(`${change.toString().padStart(6)}  ${reason.padEnd(20)} ${balance_after.toString().padStart(6)}`);
  }
  print(`${result.credits_remaining} credits are left. The video is in ${result.file}`);
}

/** Asks for a video. Returns the id of its job. */
async function submit(api: Api, user: User, prompt: string): Promise<string> {
  const model = await pickModel(api, user);
  const { job_id, credits_used } = await generate(api, user, model.id, prompt).catch((error) => {
    const advice = error instanceof ApiError ? explainProviderRefusal(error.code) : undefined;
    throw advice === undefined ? error : new Error(`${advice}\nThe credits were refunded.`, { cause: error });
  });
  printNote(`${model.name} generates "${prompt}" for ${credits_used} credits, as job ${job_id}.`);
  return job_id;
}

async function follow(api: Api, user: User, jobId: string): Promise<Job> {
  const bar = createProgressBar();
  try {
    return await waitForVideo(api, user, jobId, ({ progress, status }) => {
      const { percent, stage, step_name } = progress;
      if (status === "completed") bar.show(100, status);
      else bar.show(percent, step_name === "generate" ? stage : `${step_name}: ${stage}`);
    });
  } finally {
    bar.end();
  }
}

async function download({ job_id, video_url }: Job, output: OutputFile): Promise<void> {
  if (video_url === null) throw new Error("The job is completed but has no video_url.");
  const response = await fetch(video_url);
  if (!response.ok || response.body === null) {
    throw new Error(`The download of the video failed with status ${response.status}.`);
  }
  await output.write(job_id, response.body);
}

/** Catches Ctrl-C and SIGTERM until it is disposed. */
function listenForInterruption(): { signal: AbortSignal; [Symbol.dispose](): void } {
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Error("Interrupted."));
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) Deno.addSignalListener(signal, interrupt);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of signals) Deno.removeSignalListener(signal, interrupt);
    },
  };
}

/** Does what follows the charge. An error or Ctrl-C is reported with the command that still fetches the video. */
async function withResumeHint<Result>(
  hint: string,
  interruption: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    const { promise: interrupted, reject } = Promise.withResolvers<never>();
    interruption.addEventListener("abort", () => reject(interruption.reason));
    interruption.throwIfAborted();
    return await Promise.race([work(), interrupted]);
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : cause}\n${hint}`, { cause });
  }
}

function resumeHint(
  { flags, callsFal }: DemoProject,
  jobId: string,
  { email, password }: User,
  { owner }: DemoOptions,
): string {
  if (flags === undefined) {
    const atFal = " The video that fal made is still at https://fal.ai/dashboard/requests.";
    return `Job ${jobId} was lost with the throw-away stack. With --database the next one is kept.${
      callsFal ? atFal : ""
    }`;
  }
  // A password that this command made up is printed: only this command knows it.
  const user = `--email ${email} --password ${owner === undefined ? password : "<your password>"}`;
  const simulated = "\nThe simulator of fal ended with this stack. A run that it had not finished is refunded.";
  return `Job ${jobId} is paid for. Fetch its video, or its refund, with:\n` +
    `  npx -y deno@2.9.6 task demo --job ${jobId} ${flags} ${user}${callsFal ? "" : simulated}`;
}

function describeFailure({ error_code, error_message }: Job): string {
  const advice = explainProviderRefusal(error_code);
  return `The generation failed: ${advice ?? error_message ?? error_code}\nThe credits were refunded.`;
}

async function readCredits(api: Api, user: User): Promise<number> {
  const [balance] = await api.call(user, "/rest/v1/credit_balances?select=credits_remaining", balances);
  return balance?.credits_remaining ?? 0;
}
