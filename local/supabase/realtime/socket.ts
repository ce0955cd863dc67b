import { z } from "zod";
import { readClaims, type SigningKey, verifyToken } from "../tokens.ts";
import type { Broadcasts, Claims } from "./broadcasts.ts";
import { type Message, readMessage, type Version, writeMessage } from "./messages.ts";

/** The data with which a socket was opened. */
export interface SocketOptions {
  version: Version;
  /** The claims of the API key, for channels that a client joins without a user's token. */
  claims: Claims;
  broadcasts: Broadcasts;
  signingKey: SigningKey;
}

interface Channel {
  joinRef: string | null;
  /** Ends the channel when its token expires. */
  timer: ReturnType<typeof setTimeout> | undefined;
  stop: () => void;
}

const joinSchema = z.object({
  access_token: z.string().nullish(),
  config: z.object({ private: z.boolean().optional(), postgres_changes: z.array(z.unknown()).optional() }).optional(),
});
const tokenSchema = z.object({ access_token: z.string() });

/** The reason for which a client may not join a channel, in the words of Realtime. */
class Refusal extends Error {}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Speaks with one client until it closes: https://supabase.com/docs/guides/realtime/protocol */
export function serveSocket(socket: WebSocket, options: SocketOptions): void {
  const session = new Session(socket, options);
  // One message after the other: a leave must not overtake its join.
  let handling = Promise.resolve();
  socket.onmessage = ({ data }) => {
    const message = readMessage(data, options.version);
    if (message !== null) handling = handling.then(() => session.handle(message));
  };
  socket.onclose = () => {
    handling = handling.then(() => session.end());
  };
}

class Session {
  readonly #channels = new Map<string, Channel>();

  constructor(private readonly socket: WebSocket, private readonly options: SocketOptions) {}

  async handle(message: Message): Promise<void> {
    const { topic, event } = message;
    if (topic === "phoenix" && event === "heartbeat") return this.#reply(message, "ok", {});
    if (event === "phx_join") return await this.#join(message);
    if (!this.#channels.has(topic)) return this.#reply(message, "error", { reason: "unmatched topic" });
    if (event === "phx_leave") {
      this.#reply(message, "ok", {});
      return this.#close(topic);
    }
    if (event === "access_token") await this.#renew(message);
    // Any other message is the client's own broadcast or presence, which no client may send here.
  }

  end(): void {
    for (const topic of this.#channels.keys()) this.#drop(topic);
  }

  async #join(message: Message): Promise<void> {
    const { topic, ref } = message;
    // A client that joins again has forgotten its first join.
    this.#close(topic);
    try {
      const { access_token: token, config } = readJoin(message.payload);
      if (!config?.private || (config.postgres_changes ?? []).length > 0) {
        throw new Refusal("The local stack supports only private channels with broadcasts from the database");
      }
      const claims = this.#readToken(token);
      const stop = await this.options.broadcasts.listen(nameOf(topic), claims, ({ event, payload }) => {
        const broadcast = { type: "broadcast", event, payload };
        this.#send({ joinRef: null, ref: null, topic, event: "broadcast", payload: broadcast });
      });
      if (stop === null) throw forbidden(topic);
      this.#channels.set(topic, { joinRef: ref, stop, timer: this.#endWithToken(topic, claims) });
      this.#reply({ ...message, joinRef: ref }, "ok", { postgres_changes: [] });
    } catch (error) {
      this.#reply({ ...message, joinRef: ref }, "error", { reason: reasonOf(error) });
    }
  }

  /** Gives a channel a new token, or ends the channel where the token is not valid for it. */
  async #renew({ topic, payload }: Message): Promise<void> {
    const given = tokenSchema.safeParse(payload);
    const channel = this.#channels.get(topic);
    if (!given.success || channel === undefined || given.data.access_token.startsWith("sb_")) return;
    try {
      const claims = this.#readToken(given.data.access_token);
      if (!await this.options.broadcasts.mayRead(nameOf(topic), claims)) throw forbidden(topic);
      clearTimeout(channel.timer);
      channel.timer = this.#endWithToken(topic, claims);
    } catch (error) {
      this.#shutDown(topic, reasonOf(error));
    }
  }

  #endWithToken(topic: string, { exp }: Claims): Channel["timer"] {
    if (typeof exp !== "number") return undefined;
    const milliseconds = Math.min(exp * 1000 - Date.now(), LONGEST_TIMER_MS);
    return setTimeout(() => this.#shutDown(topic, "Token has expired"), milliseconds);
  }

  #shutDown(topic: string, message: string): void {
    const payload = { extension: "system", status: "error", message, channel: nameOf(topic) };
    const joinRef = this.#channels.get(topic)?.joinRef ?? null;
    this.#send({ joinRef, ref: null, topic, event: "system", payload });
    this.#close(topic);
  }

  /** Ends a channel, if there is one, and reports it. */
  #close(topic: string): void {
    const joinRef = this.#channels.get(topic)?.joinRef ?? null;
    if (this.#drop(topic)) this.#send({ joinRef, ref: joinRef, topic, event: "phx_close", payload: {} });
  }

  #drop(topic: string): boolean {
    const channel = this.#channels.get(topic);
    clearTimeout(channel?.timer);
    channel?.stop();
    return this.#channels.delete(topic);
  }

  #send(message: Message): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(writeMessage(message, this.options.version));
  }

  #reply({ joinRef, ref, topic }: Message, status: "ok" | "error", response: object): void {
    this.#send({ joinRef, ref, topic, event: "phx_reply", payload: { status, response } });
  }

  /** The claims of a user's token; without a token those of the API key. Throws `Refusal`. */
  #readToken(token: string | null | undefined): Claims {
    if (!token || token.startsWith("sb_")) return this.options.claims;
    if (!verifyToken(token, this.options.signingKey)) {
      throw new Refusal("InvalidJWTToken: The token provided is not a valid JWT");
    }
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
  if (!read.success) throw new Refusal("The payload of the join is not valid");
  return read.data;
}

/** The name of a channel in the database: the client's library puts `realtime:` before it. */
function nameOf(topic: string): string {
  return topic.replace(/^realtime:/, "");
}

function forbidden(topic: string): Refusal {
  return new Refusal(`Unauthorized: You do not have permissions to read from this Channel topic: ${nameOf(topic)}`);
}

function reasonOf(error: unknown): string {
  return error instanceof Refusal ? error.message : "Realtime was unable to connect to the project database";
}
