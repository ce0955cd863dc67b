import type { Sql } from "postgres";
import { z } from "zod";
import type { CoverageCounts } from "../runtime/coverage-counts.ts";

const functionRow = z.object({ name: z.string(), set: z.boolean(), arguments: z.record(z.string(), z.string()) });
const failure = z.object({ code: z.string(), message: z.string() });

/** Sees each call before the database gets it, and each that it answered. */
export interface ProcedureObserver {
  called(procedure: string, request: string): void;
  answered(procedure: string, request: string, answer: string): void;
}

/** Runs stored procedures as PostgREST does for `POST /rest/v1/rpc/{name}`. */
export class ProcedureServer {
  private constructor(
    private readonly sql: Sql,
    private readonly functions: ReadonlyMap<string, z.infer<typeof functionRow>>,
    private readonly counts: CoverageCounts,
    private readonly observer: ProcedureObserver,
  ) {}

  /** `sql` must have the rights of the service role. */
  static async create(sql: Sql, counts: CoverageCounts, observer: ProcedureObserver): Promise<ProcedureServer> {
    const rows = await sql`
      select proname as name, proretset as set,
        coalesce(jsonb_object_agg(argument.name, format_type(argument.type, null))
          filter (where argument.name is not null), '{}') as arguments
      from pg_proc left join unnest(proargnames[:pronargs], proargtypes::oid[]) as argument (name, type) on true
      where pronamespace = 'public'::regnamespace
      group by pg_proc.oid
    `;
    const functions = z.array(functionRow).parse([...rows]);
    return new ProcedureServer(sql, new Map(functions.map((found) => [found.name, found])), counts, observer);
  }

  async call(name: string, json: string): Promise<Response> {
    const found = this.functions.get(name);
    if (found === undefined) throw new Error(`No procedure ${name}`);
    const names = Object.keys(z.record(z.string(), z.unknown()).parse(JSON.parse(json)));
    const args = names.map((argument) => `${argument} => ${valueOf(argument, found.arguments[argument] ?? "?")}`);
    const invoked = `public.${name}(${args.join(", ")})`;
    const text = found.set
      ? `select coalesce(json_agg(result), '[]')::text as answer from ${invoked} as result`
      : `select coalesce(to_json(${invoked})::text, 'null') as answer`;
    this.observer.called(name, json);
    try {
      const [row] = await this.sql.unsafe(text, names.length === 0 ? [] : [json], { prepare: true });
      const answer = String(row?.answer);
      this.observer.answered(name, json, answer);
      return new Response(answer, { headers: { "content-type": "application/json" } });
    } catch (error) {
      return this.#refusal(name, error);
    }
  }

  #refusal(name: string, error: unknown): Response {
    const { code, message } = failure.parse(error);
    // A purchase of a user whose account was deleted meanwhile: nothing is booked, and the shop gets an error.
    const isOfNobody = name === "add_credits" && code === "23503";
    // A request of a user whose account is deleted.
    if (code === "PT401") {
      this.counts.add("account deletions", `${name}: account deleted`);
      return Response.json({ code, message, details: null, hint: null }, { status: 401 });
    }
    const heading = isOfNobody ? "account deletions" : "sql errors";
    this.counts.add(heading, `${name}: ${code} ${message.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "…")}`);
    return Response.json({ code, message, details: null, hint: null }, { status: code.startsWith("40") ? 500 : 400 });
  }
}

/** Reads one argument from the request's JSON, which is the statement's only parameter. */
function valueOf(argument: string, type: string): string {
  const value = `$1::text::jsonb -> '${argument}'`;
  if (type === "jsonb") return `(${value})`;
  if (type.endsWith("[]")) return `array(select jsonb_array_elements_text(${value}))::${type}`;
  return `($1::text::jsonb ->> '${argument}')::${type}`;
}
