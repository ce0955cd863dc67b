import { verifyAuth } from "@supabase/server/core";
import { z } from "zod";
import { configurationProblem } from "../_shared/database/configuration.ts";
import { type AdminClient, callProcedure } from "../_shared/database/client.ts";
import { VIDEO_BUCKET } from "../_shared/jobs/files.ts";
import { json, type RequestContext } from "../_shared/http/endpoint.ts";
import { errorText } from "../_shared/runtime/log.ts";
import { storeText } from "../_shared/storage/storage-utils.ts";

/** How long an answer is given again: whoever calls without end, costs one check of an instance in this time. */
const FRESH_MS = 5_000;
/** Written anew by every check, into the folder of no user. */
const PROBE = { bucket: VIDEO_BUCKET, path: "health/probe.vtt", text: "WEBVTT\n", contentType: "text/vtt" };

const healthSchema = z.object({ open_circuits: z.array(z.string()), overdue_jobs: z.number() });

interface Report {
  status: "ok" | "degraded";
  checked_at: string;
  [part: string]: unknown;
}

/**
 * GET /health: 200 while videos can be made, 503 while they cannot; the body says which part is at fault. The answer is a
 * few seconds old at most; with the secret API key it is a new one.
 */
export function createHealth(
  connect: () => AdminClient,
): (request: Request, call: RequestContext) => Promise<Response> {
  let last: { report: Report; at: number } | undefined;
  let underWay: Promise<Report> | undefined;

  async function look(call: RequestContext): Promise<Report> {
    const report = await check(connect, call);
    last = { report, at: performance.now() };
    return report;
  }
  return async (request, call) => {
    const fresh = last !== undefined && performance.now() - last.at < FRESH_MS && !await isOperator(request);
    // Everybody who comes meanwhile waits for the one check.
    const report = fresh && last !== undefined
      ? last.report
      : await (underWay ??= look(call).finally(() => underWay = undefined));
    return json(report, report.status === "ok" ? 200 : 503);
  };
}

async function isOperator(request: Request): Promise<boolean> {
  return request.headers.has("apikey") && (await verifyAuth(request, { auth: "secret" })).error === null;
}

async function check(connect: () => AdminClient, call: RequestContext): Promise<Report> {
  const checked_at = new Date().toISOString();
  const configuration = configurationProblem();
  if (configuration !== null) {
    call.log("alert", "configuration", { error: configuration });
    return { status: "degraded", checked_at, configuration };
  }
  const client = connect();
  const [database, storage] = await Promise.all([askDatabase(client, call), writeFile(client, call)]);
  const checks = {
    database: database === null ? "down" : "ok",
    storage: storage ? "ok" : "down",
    providers: database === null ? "unknown" : database.open_circuits.length > 0 ? "down" : "ok",
    worker: database === null ? "unknown" : database.overdue_jobs > 0 ? "late" : "ok",
  };
  const well = Object.values(checks).every((state) => state === "ok");
  return { status: well ? "ok" : "degraded", checked_at, checks, ...database };
}

async function askDatabase(client: AdminClient, call: RequestContext): Promise<z.infer<typeof healthSchema> | null> {
  try {
    return healthSchema.parse(await callProcedure(client, call.timing, "health", {}));
  } catch (error) {
    call.log("error", "health_database", { error: errorText(error) });
    return null;
  }
}

async function writeFile(client: AdminClient, call: RequestContext): Promise<boolean> {
  try {
    await call.timing.measure("storage", () => storeText(client, PROBE));
    return true;
  } catch (error) {
    call.log("error", "health_storage", { error: errorText(error) });
    return false;
  }
}
