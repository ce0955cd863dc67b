import { z } from "zod";
import { json, type SimulatedRequest, type SimulatedResponse } from "../shared/http.ts";
import { matchSchema, outcomeSchema, scriptSchema, settingsChangesSchema, webhookContentSchema } from "./script.ts";
import type { FalSimulator } from "./types.ts";

const deliverSchema = webhookContentSchema.extend({
  url: z.string(),
  body: z.record(z.string(), z.json()),
  copies: z.number().int().positive(),
}).partial();

/** Answers the routes under `/_simulator`, which do what the object's methods do. */
export async function adminRoute(simulator: FalSimulator, request: SimulatedRequest): Promise<SimulatedResponse> {
  const [area = "", id = "", verb = ""] = request.path.split("/").slice(2);
  try {
    return await act(simulator, request, `${request.method} ${id === "" ? area : `${area}/${verb}`}`, id);
  } catch (error) {
    return json(400, { detail: error instanceof Error ? error.message : String(error) });
  }
}

async function act(
  simulator: FalSimulator,
  request: SimulatedRequest,
  action: string,
  id: string,
): Promise<SimulatedResponse> {
  const body: unknown = request.body === "" ? {} : JSON.parse(request.body);
  switch (action) {
    case "GET requests":
      return plainJson({ submissions: simulator.submissions, requests: simulator.requests });
    case "POST script": {
      const { match, script } = z.strictObject({ match: matchSchema, script: scriptSchema }).parse(body);
      simulator.script(match, script);
      break;
    }
    case "POST configure":
      simulator.configure(settingsChangesSchema.parse(body));
      break;
    case "POST rotate-keys":
      await simulator.rotateKeys(z.strictObject({ keepOld: z.boolean().default(false) }).parse(body));
      break;
    case "POST clear":
      simulator.clear();
      break;
    case "POST requests/finish":
      simulator.finish(id);
      break;
    case "POST requests/fail":
      simulator.fail(id, z.strictObject({ outcome: outcomeSchema }).parse(body).outcome);
      break;
    case "POST requests/webhook":
      return plainJson({ deliveries: await simulator.deliverWebhook(id, deliverSchema.parse(body)) });
    default:
      return json(404, { detail: `No such route: ${action}` });
  }
  return json(200, { ok: true });
}

function plainJson(value: unknown): SimulatedResponse {
  const body = JSON.stringify(value, (_key, item) => typeof item === "bigint" ? item.toString() : item);
  return { status: 200, headers: { "content-type": "application/json" }, body };
}
