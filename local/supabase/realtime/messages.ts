import { z } from "zod";

/** A message of Phoenix channels, which Realtime speaks: https://hexdocs.pm/phoenix/writing_a_channels_client.html */
export interface Message {
  /** The `ref` of the join that opened the channel; null for a message outside a channel. */
  joinRef: string | null;
  /** Given by the client, and repeated in the reply. */
  ref: string | null;
  topic: string;
  event: string;
  payload: unknown;
}

/** How messages are written: as objects in 1.0.0, as lists in 2.0.0. */
export type Version = z.infer<typeof versionSchema>;
export const versionSchema = z.enum(["1.0.0", "2.0.0"]);

const ref = z.union([z.string(), z.number().transform(String), z.null()]).optional().transform((given) =>
  given ?? null
);
const objectSchema = z.object({ join_ref: ref, ref, topic: z.string(), event: z.string(), payload: z.unknown() });
const listSchema = z.tuple([ref, ref, z.string(), z.string(), z.unknown()]);

/** A message that a client sent; null for anything else, also for binary messages: these are broadcasts of a client. */
export function readMessage(data: unknown, version: Version): Message | null {
  if (typeof data !== "string") return null;
  let json: unknown;
  try {
    json = JSON.parse(data);
  } catch {
    return null;
  }
  if (version === "1.0.0") {
    const read = objectSchema.safeParse(json);
    if (!read.success) return null;
    const { join_ref: joinRef, ...rest } = read.data;
    return { joinRef, ...rest };
  }
  const read = listSchema.safeParse(json);
  if (!read.success) return null;
  const [joinRef, given, topic, event, payload] = read.data;
  return { joinRef, ref: given, topic, event, payload };
}

export function writeMessage({ joinRef, ref, topic, event, payload }: Message, version: Version): string {
  return JSON.stringify(
    version === "1.0.0" ? { join_ref: joinRef, ref, topic, event, payload } : [joinRef, ref, topic, event, payload],
  );
}
