import { z } from "zod";
import { configurationProblem } from "../_shared/configuration.ts";
import { type AdminClient, callProcedure } from "../_shared/database.ts";
import { VIDEO_BUCKET } from "../_shared/job-files.ts";
import { type Call, json } from "../_shared/http/endpoint.ts";
import { errorText } from "../_shared/log.ts";

const healthSchema = z.object({ open_circuits: z.array(z.string()), overdue_jobs: z.number() });

/** GET /health: 200 while videos can be made, 503 while they cannot; the body says which part is at fault. */
export async function health(connect: () => AdminClient, call: Call): Promise<Response> {
  const configuration = configurationProblem();
  if (configuration !== null) {
    call.log("alert", "configuration", { error: configuration });
    return json({ status: "degraded", configuration }, 503);
  }
  const client = connect();
  const [database, storage] = await Promise.all([readDatabase(client, call), readStorage(client, call)]);
  const checks = {
    database: database === null ? "down" : "ok",
    storage: storage ? "ok" : "down",
    providers: database === null ? "unknown" : database.open_circuits.length > 0 ? "down" : "ok",
    worker: database === null ? "unknown" : database.overdue_jobs > 0 ? "late" : "ok",
  };
  const well = Object.values(checks).every((state) => state === "ok");
  return json({ status: well ? "ok" : "degraded", checks, ...database }, well ? 200 : 503);
}

async function readDatabase(client: AdminClient, call: Call): Promise<z.infer<typeof healthSchema> | null> {
  try {
    return healthSchema.parse(await callProcedure(client, call.phases, "health", {}));
  } catch (error) {
    call.log("error", "health_database", { error: errorText(error) });
    return null;
  }
}

async function readStorage(client: AdminClient, call: Call): Promise<boolean> {
  const { error } = await call.phases.measure("storage", () => client.storage.getBucket(VIDEO_BUCKET));
  if (error) call.log("error", "health_storage", { error: errorText(error) });
  return error === null;
}
