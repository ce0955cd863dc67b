/** A row that was inserted or updated, as the write-ahead log has it. */
export interface WrittenRow {
  type: "INSERT" | "UPDATE";
  schema: string;
  table: string;
  /** The values by column, for `jsonb_populate_record`. A long value that an update left as it was is missing. */
  row: Record<string, unknown>;
}

const IDENTIFIER = String.raw`("(?:[^"]|"")+"|[\w$]+)`;
const LINE = new RegExp(`^table ${IDENTIFIER}\\.${IDENTIFIER}: (INSERT|UPDATE): (?:.*? new-tuple: )?`, "s");
const COLUMN = new RegExp(String.raw`${IDENTIFIER}\[((?:[^[\]]|\[\])+)\]:('(?:[^']|'')*'|[^ ]+) ?`, "gsy");

/**
 * Reads a line of the output plugin `test_decoding`, which comes with every PostgreSQL:
 * https://www.postgresql.org/docs/17/test-decoding.html. Null where the line is no insert and no update.
 */
export function readChangeLine(line: string): WrittenRow | null {
  const [start, schema, table, type] = LINE.exec(line) ?? [];
  if (start === undefined || schema === undefined || table === undefined) return null;
  const row: Record<string, unknown> = {};
  for (const [, name, type, text] of line.slice(start.length).matchAll(COLUMN)) {
    if (name === undefined || text === undefined || text === "unchanged-toast-datum") continue;
    row[unquote(name)] = readValue(text, type);
  }
  return { type: type === "INSERT" ? "INSERT" : "UPDATE", schema: unquote(schema), table: unquote(table), row };
}

function readValue(text: string, type: string | undefined): unknown {
  if (text === "null") return null;
  if (!text.startsWith("'")) return text;
  const value = text.slice(1, -1).replaceAll("''", "'");
  return type === "json" || type === "jsonb" ? JSON.parse(value) : value;
}

function unquote(identifier: string): string {
  return identifier.startsWith('"') ? identifier.slice(1, -1).replaceAll('""', '"') : identifier;
}
