/** What a client asks for, word for word. Realtime repeats it in its reply, and the client compares the two. */
export interface ChangeRequest {
  event: string;
  schema?: string | undefined;
  table?: string | undefined;
  filter?: string | undefined;
}

/** A condition on one column; `in` has its values as an array in PostgreSQL's own writing. */
export interface ChangeFilter {
  column: string;
  operator: string;
  value: string;
}

/** The operators of a filter, and how PostgreSQL writes each. Realtime itself has some more. */
const OPERATORS: Readonly<Record<string, string>> = {
  eq: "=",
  neq: "<>",
  lt: "<",
  lte: "<=",
  gt: ">",
  gte: ">=",
  in: "= any",
};

/** Reads `column=operator.value`; null where there is no filter. Throws where it is none that the local stack has. */
export function readFilter(text: string | undefined): ChangeFilter | null {
  if (text === undefined || text.trim() === "") return null;
  const [, column, name = "", value] = /^([^=]+)=(\w+)\.(.*)$/s.exec(text.trim()) ?? [];
  const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
  if (column === undefined || value === undefined || operator === undefined) {
    throw new Error(`Error parsing \`filter\` params: the local stack has ${Object.keys(OPERATORS).join(", ")}`);
  }
  if (name === "in") {
    const [, values] = /^\((.*)\)$/s.exec(value) ?? [];
    if (values === undefined) throw new Error("Error parsing `filter` params: `in` needs its values in parentheses");
    return { column, operator, value: `{${values}}` };
  }
  // Realtime takes what follows a comma for another condition.
  if (value.includes(",")) throw new Error("Error parsing `filter` params: the local stack has one condition a filter");
  return { column, operator, value };
}
