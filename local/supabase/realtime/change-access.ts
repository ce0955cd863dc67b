import type postgres from "postgres";
import { z } from "zod";
import type { Claims } from "./broadcasts.ts";
import { type ChangeFilter, type ChangeRequest, readFilter } from "./change-filter.ts";
import type { WrittenRow } from "./change-line.ts";

/** A request of a listener, with what the database knows of it. */
export interface Subscription {
  id: number;
  event: string;
  /** The columns of each table's key, by the table's name. */
  tables: ReadonlyMap<string, string[]>;
  filter: (ChangeFilter & { type: string }) | null;
}

/** A change as a listener may see it, and the requests that it answers. */
export interface VisibleChange {
  ids: number[];
  columns: { name: string; type: string }[];
  record: Record<string, unknown>;
  old_record?: Record<string, unknown>;
}

const tableSchema = z.object({ schema: z.string(), table: z.string(), key: z.array(z.string()) });
const columnSchema = z.object({ name: z.string(), type: z.string() });
const recordSchema = z.object({ record: z.record(z.string(), z.unknown()) });

interface TableName {
  schema: string;
  table: string;
}

/** A table's name as `sql()` quotes it. */
export function tableName({ schema, table }: TableName): string {
  return `${schema}.${table}`;
}

/** Finds the published tables and the filter's type. Throws, in the words of Realtime, where there are none. */
export async function subscribe(
  sql: postgres.Sql,
  { id, event, schema = "public", table = "*", filter: text }: ChangeRequest & { id: number },
): Promise<Subscription> {
  const filter = readFilter(text);
  const rows = await sql`
    select schemaname::text as schema, tablename::text as table, array(
      select attname::text from pg_index join pg_attribute on attrelid = indrelid and attnum = any (indkey)
      where indrelid = format('%I.%I', schemaname, tablename)::regclass and indisprimary) as key
    from pg_publication_tables
    where pubname = 'supabase_realtime' and ${schema}::text in (schemaname::text, '*')
      and ${table}::text in (tablename::text, '*')`;
  const tables = z.array(tableSchema).parse(rows);
  const [first] = tables;
  if (first === undefined) {
    throw new Error(
      "Unable to subscribe to changes with given parameters. Please check Realtime is enabled for the given connect " +
        `parameters: [event: ${event}, schema: ${schema}, table: ${table}, filter: ${text ?? ""}]`,
    );
  }
  return {
    id,
    event,
    tables: new Map(tables.map((row) => [tableName(row), row.key])),
    filter: filter && { ...filter, type: await typeOf(sql, first, filter) },
  };
}

/** The type of the filter's column. Throws where there is no such column, or the value is none of its type. */
async function typeOf(
  sql: postgres.Sql,
  { schema, table }: TableName,
  { column, operator, value }: ChangeFilter,
): Promise<string> {
  const [found] = await sql`
    select format_type(atttypid, null) as type from pg_attribute
    where attrelid = format('%I.%I', ${schema}::text, ${table}::text)::regclass and attname = ${column}
      and attnum > 0 and not attisdropped`;
  if (!found) throw new Error(`invalid column for filter ${column}`);
  const type = String(found.type) + (operator === "= any" ? "[]" : "");
  await sql`select ${value}::text::${sql.unsafe(type)}`;
  return type;
}

/**
 * The change as these claims may see it: the requests' filters, the row's policies and the columns' grants, as Realtime
 * checks them. Null where nothing is left.
 */
export async function readVisible(
  sql: postgres.Sql,
  written: WrittenRow,
  subscriptions: readonly Subscription[],
  claims: Claims,
): Promise<VisibleChange | null> {
  const { row, type, schema, table } = written;
  const key = subscriptions[0]?.tables.get(tableName(written)) ?? [];
  return await sql.begin(async (transaction) => {
    const stored = transaction(tableName(written));
    const values = transaction`jsonb_populate_record(null::${stored}, ${JSON.stringify(row)}::text::jsonb) as written`;
    const ids: number[] = [];
    for (const { id, filter } of subscriptions) {
      if (filter === null || await passes(transaction, values, filter)) ids.push(id);
    }
    if (ids.length === 0) return null;
    const [found] = await transaction`select to_jsonb(written) as record from ${values}`;
    const { record } = recordSchema.parse(found);

    await transaction`select set_config('role', ${claims.role}, true)`;
    await transaction`select set_config('request.jwt.claims', ${JSON.stringify(claims)}, true)`;
    const seen = await transaction`select from ${stored} as stored join ${values} using (${transaction(key)})`;
    if (seen.length === 0) return null;
    const columns = z.array(columnSchema).parse(
      await transaction`
        select attname as name, typname as type from pg_attribute join pg_type on pg_type.oid = atttypid
        where attrelid = format('%I.%I', ${schema}::text, ${table}::text)::regclass and attnum > 0
          and has_column_privilege(attrelid, attnum, 'select')
        order by attnum`,
    );
    const readable = columns.map(({ name }) => name).filter((name) => name in row);
    const pick = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, record[name]]));
    const old = type === "UPDATE" ? { old_record: pick(readable.filter((name) => key.includes(name))) } : {};
    return { ids, columns, record: pick(readable), ...old };
  });
}

/** Whether the row has what the filter asks for. */
async function passes(
  transaction: postgres.TransactionSql,
  values: postgres.PendingQuery<postgres.Row[]>,
  { column, operator, value, type }: ChangeFilter & { type: string },
): Promise<boolean> {
  const found = await transaction`
    select from ${values}
    where written.${transaction(column)} ${transaction.unsafe(operator)} (${value}::text::${transaction.unsafe(type)})`;
  return found.length > 0;
}
