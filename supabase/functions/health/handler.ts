import { verifyAuth } from "@supabase/server/core";
import { configurationProblem } from "../_shared/database/configuration.ts";
import type { AdminClient } from "../_shared/database/client.ts";
import type { Dependencies } from "../_shared/jobs/dependencies.ts";
import { type DatabaseHealth, readHealth } from "../_shared/database/maintenance.ts";
import { VIDEO_BUCKET } from "../_shared/jobs/buckets.ts";
import { type Handler, json, type RequestContext } from "../_shared/http/endpoint.ts";
import { errorText } from "../_shared/runtime/log.ts";
import { storeText } from "../_shared/storage/upload.ts";

/** How long an answer is repeated: however often clients call, an instance makes one check in this time. */
const FRESH_MS = 5_000;
/** Every check writes this file anew, into a folder that belongs to no user. */
const PROBE = { bucket: VIDEO_BUCKET, path: "health/probe.vtt", text: "WEBVTT\n", contentType: "text/vtt" };

/** Called only once the configuration is known to be complete. */
type Connect = () => Pick<Dependencies, "client" | "providers">;

interface Report {
  status: "ok" | "degraded";
  checked_at: string;
  [part: string]: unknown;
}

/**
 * GET /health: 200 while videos can be made, 503 while they cannot; the body names the part that fails. The answer is a
 * few seconds old at most; with the secret API key it is new.
 */
export function createHealth(connect: Connect): Handler<RequestContext> {
  let last: { report: Report; at: number } | undefined;
  let current: Promise<Report> | undefined;

  async function checkAnew(context: RequestContext): Promise<Report> {
    const report = await check(context, connect);
    last = { report, at: performance.now() };
    return report;
  }
  return async (context, request) => {
    const fresh = last !== undefined && performance.now() - last.at < FRESH_MS && !await isOperator(request);
    // All requests that come meanwhile wait for the same check.
    const report = fresh && last !== undefined
      ? last.report
      : await (current ??= checkAnew(context).finally(() => current = undefined));
    return json(report, report.status === "ok" ? 200 : 503);
  };
}

async function isOperator(request: Request): Promise<boolean> {
  return request.headers.has("apikey") && (await verifyAuth(request, { auth: "secret" })).error === null;
}

async function check(context: RequestContext, connect: Connect): Promise<Report> {
  const checked_at = new Date().toISOString();
  const configuration = configurationProblem();
  if (configuration !== null) {
    context.log("alert", "configuration", { error: configuration });
    return { status: "degraded", checked_at, configuration };
  }
  const { client, providers } = connect();
  const [database, storage] = await Promise.all([askDatabase(context, client), writeFile(context, client)]);
  const checks = {
    database: database === null ? "down" : "ok",
    storage: storage ? "ok" : "down",
    providers: database === null ? "unknown" : database.open_circuits.length > 0 ? "down" : "ok",
    worker: database === null ? "unknown" : database.overdue_jobs > 0 ? "late" : "ok",
  };
  const well = Object.values(checks).every((state) => state === "ok");
  const report: Report = { status: well ? "ok" : "degraded", checked_at, checks };
  if (database === null) return report;
  const { step_providers, ...known } = database;
  const steps_without_key = Object.keys(step_providers).filter((step) => !providers.has(step_providers[step] ?? ""));
  return { ...report, ...known, steps_without_key: steps_without_key.sort() };
}

async function askDatabase(context: RequestContext, client: AdminClient): Promise<DatabaseHealth | null> {
  try {
    return await readHealth({ client, timing: context.timing });
  } catch (error) {
    context.log("error", "health_database", { error: errorText(error) });
    return null;
  }
}

async function writeFile(context: RequestContext, client: AdminClient): Promise<boolean> {
  try {
    await context.timing.measure("storage", () => storeText(client, PROBE));
    return true;
  } catch (error) {
    context.log("error", "health_storage", { error: errorText(error) });
    return false;
  }
}
