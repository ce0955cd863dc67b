import type { Endpoint } from "./endpoints.ts";
import type { JsonObject } from "../shared/json.ts";
import { errorDetail } from "./outcomes.ts";

/** What fal would find wrong with an input, once the run has ended: missing fields and values out of their list. */
export function inputFaults(endpoint: Endpoint, input: JsonObject): JsonObject[] {
  const missing = endpoint.required
    .filter((field) => !field.split("|").some((name) => input[name] !== undefined && input[name] !== null))
    .map((field) => errorDetail("missing", ["body", field.split("|")[0] ?? field], "Field required"));
  const wrong = Object.entries(endpoint.allowed).flatMap(([field, values]) => {
    const value = input[field];
    if (value === undefined || value === null || values.some((allowed) => allowed === value)) return [];
    const expected = values.map((allowed) => typeof allowed === "string" ? `'${allowed}'` : String(allowed)).join(", ");
    return [{
      ...errorDetail("enum", ["body", field], `Input should be one of ${expected}`, { expected }),
      input: value,
    }];
  });
  return [...missing, ...wrong, ...endpoint.check?.(input) ?? []];
}
