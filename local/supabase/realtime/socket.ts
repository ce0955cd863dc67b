import { z } from "zod";
import { readClaims, type SigningKey, verifyToken } from "../tokens.ts";
import type { Broadcasts, Claims } from "./broadcasts.ts";
import { type Message, readMessage, type Version, writeMessage } from "./messages.ts";

/** What a socket was opened with. */
export interface SocketOptions {
  version: Version;
  /** Those of the API key, for channels that are joined without a user's token. */
  claims: Claims;
  broadcasts: Broadcasts;
  signingKey: SigningKey;
}

interface Channel {
  joinRef: string | null;
  /** Ends with the token. */
  timer: ReturnType<typeof setTimeout> | undefined;
  stop: () => void;
}

const joinSchema = z.object({
  access_token: z.string().nullish(),
  config: z.object({ private: z.boolean().optional(), postgres_changes: z.array(z.unknown()).optional() }).optional(),
});
const tokenSchema = z.object({ access_token: z.string() });

/** What keeps a client from a channel, as Realtime says it. */
class Refusal extends Error {}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Speaks with one client until it goes: https://supabase.com/docs/guides/realtime/protocol */
export function serveSocket(
  socket: WebSocket,
  { version, claims: keyClaims, broadcasts, signingKey }: SocketOptions,
): void {
  const channels = new Map<string, Channel>();
  // One message after the other: a leave must not overtake its join.
  let work = Promise.resolve();

  socket.onmessage = ({ data }) => {
    const message = readMessage(data, version);
    if (message !== null) work = work.then(() => take(message));
  };
  socket.onclose = () => {
    work = work.then(() => {
      for (const topic of channels.keys()) drop(topic);
    });
  };

  function send(message: Message): void {
    if (socket.readyState === WebSocket.OPEN) socket.send(writeMessage(message, version));
  }

  function reply({ joinRef, ref, topic }: Message, status: "ok" | "error", response: object): void {
    send({ joinRef, ref, topic, event: "phx_reply", payload: { status, response } });
  }

  async function take(message: Message): Promise<void> {
    const { topic, event } = message;
    if (topic === "phoenix" && event === "heartbeat") return reply(message, "ok", {});
    if (event === "phx_join") return await join(message);
    if (!channels.has(topic)) return reply(message, "error", { reason: "unmatched topic" });
    if (event === "phx_leave") {
      reply(message, "ok", {});
      return close(topic);
    }
    if (event === "access_token") await renew(message);
    // Anything else is a broadcast or a presence of the client's own, which nobody may send here.
  }

  async function join(message: Message): Promise<void> {
    const { topic, ref } = message;
    // A client that joins again has forgotten the first time.
    close(topic);
    try {
      const { access_token: token, config } = readJoin(message.payload);
      if (!config?.private || (config.postgres_changes ?? []).length > 0) {
        throw new Refusal("The local stack has private channels with broadcasts from the database, and no other");
      }
      const claims = readToken(token);
      const stop = await broadcasts.listen(nameOf(topic), claims, ({ event, payload }) => {
        send({ joinRef: null, ref: null, topic, event: "broadcast", payload: { type: "broadcast", event, payload } });
      });
      if (stop === null) throw forbidden(topic);
      channels.set(topic, { joinRef: ref, stop, timer: endWithToken(topic, claims) });
      reply({ ...message, joinRef: ref }, "ok", { postgres_changes: [] });
    } catch (error) {
      reply({ ...message, joinRef: ref }, "error", { reason: reasonOf(error) });
    }
  }

  /** The channel goes on with a new token, or ends with the one that does not do. */
  async function renew({ topic, payload }: Message): Promise<void> {
    const given = tokenSchema.safeParse(payload);
    const channel = channels.get(topic);
    if (!given.success || channel === undefined || given.data.access_token.startsWith("sb_")) return;
    try {
      const claims = readToken(given.data.access_token);
      if (!await broadcasts.mayRead(nameOf(topic), claims)) throw forbidden(topic);
      clearTimeout(channel.timer);
      channel.timer = endWithToken(topic, claims);
    } catch (error) {
      shutDown(topic, reasonOf(error));
    }
  }

  function endWithToken(topic: string, { exp }: Claims): Channel["timer"] {
    if (typeof exp !== "number") return undefined;
    const milliseconds = Math.min(exp * 1000 - Date.now(), LONGEST_TIMER_MS);
    return setTimeout(() => shutDown(topic, "Token has expired"), milliseconds);
  }

  function shutDown(topic: string, message: string): void {
    const payload = { extension: "system", status: "error", message, channel: nameOf(topic) };
    send({ joinRef: channels.get(topic)?.joinRef ?? null, ref: null, topic, event: "system", payload });
    close(topic);
  }

  /** Ends a channel, and says so; nothing where there is none. */
  function close(topic: string): void {
    const joinRef = channels.get(topic)?.joinRef ?? null;
    if (drop(topic)) send({ joinRef, ref: joinRef, topic, event: "phx_close", payload: {} });
  }

  function drop(topic: string): boolean {
    const channel = channels.get(topic);
    clearTimeout(channel?.timer);
    channel?.stop();
    return channels.delete(topic);
  }

  /** The claims of a user's token, or of the API key where there is none. Throws `Refusal`. */
  function readToken(token: string | null | undefined): Claims {
    if (!token || token.startsWith("sb_")) return keyClaims;
    if (!verifyToken(token, signingKey)) throw new Refusal("InvalidJWTToken: The token provided is not a valid JWT");
    const { role, exp, ...claims } = readClaims(token);
    if (typeof role !== "string" || typeof exp !== "number") {
      throw new Refusal("InvalidJWTToken: Fields `role` and `exp` are required in JWT");
    }
    if (exp * 1000 <= Date.now()) {
      throw new Refusal(`InvalidJWTToken: Token has expired ${Math.floor(Date.now() / 1000 - exp)} seconds ago`);
    }
    return { role, exp, ...claims };
  }
}

function readJoin(payload: unknown): z.infer<typeof joinSchema> {
  const read = joinSchema.safeParse(payload);
  if (!read.success) throw new Refusal("The join is none");
  return read.data;
}

/** A channel's name in the database: the client's library puts `realtime:` before it. */
function nameOf(topic: string): string {
  return topic.replace(/^realtime:/, "");
}

function forbidden(topic: string): Refusal {
  return new Refusal(`Unauthorized: You do not have permissions to read from this Channel topic: ${nameOf(topic)}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Refusal ? error.message : "Realtime was unable to connect to the project database";
}
