import { z } from "zod";
import type { UserTokens } from "../user-tokens.ts";
import type { Broadcasts, Claims } from "./broadcasts.ts";
import type { Changes } from "./changes.ts";
import type { ChangeRequest } from "./change-filter.ts";
import { type Message, readMessage, type Version, writeMessage } from "./messages.ts";

/** The data with which a socket was opened. */
export interface SocketOptions {
  version: Version;
  /** The claims of the API key, for channels that a client joins without a user's token. */
  claims: Claims;
  broadcasts: Broadcasts;
  changes: Changes;
  userTokens: UserTokens;
}

interface Channel {
  joinRef: string | null;
  /** Ends the channel when its token expires. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Private channels have a policy, and broadcasts. */
  isPrivate: boolean;
  claims: Claims;
  /** Each ends what the channel receives. */
  stops: (() => void)[];
}

const changesSchema = z.object({
  event: z.string(),
  schema: z.string().optional(),
  table: z.string().optional(),
  filter: z.string().optional(),
});
const joinSchema = z.object({
  access_token: z.string().nullish(),
  config: z.object({
    private: z.boolean().optional(),
    postgres_changes: z.array(changesSchema).optional(),
  }).optional(),
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
  #lastRequest = 0;

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
      const isPrivate = config?.private ?? false;
      const requests = (config?.postgres_changes ?? []).map((request) => ({ ...request, id: ++this.#lastRequest }));
      if (!isPrivate && requests.length === 0) {
        throw new Refusal(
          "The local stack supports private channels with broadcasts from the database, and changes of tables",
        );
      }
      const claims = await this.#readToken(token);
      const stops = isPrivate ? [await this.#receiveBroadcasts(topic, claims)] : [];
      const channel: Channel = { joinRef: ref, isPrivate, claims, stops, timer: this.#endWithToken(topic, claims) };
      this.#channels.set(topic, channel);
      this.#reply({ ...message, joinRef: ref }, "ok", { postgres_changes: requests });
      if (requests.length > 0) await this.#receiveChanges(topic, channel, requests);
    } catch (error) {
      this.#reply({ ...message, joinRef: ref }, "error", { reason: reasonOf(error) });
    }
  }

  async #receiveBroadcasts(topic: string, claims: Claims): Promise<() => void> {
    const stop = await this.options.broadcasts.listen(nameOf(topic), claims, ({ event, payload }) => {
      const broadcast = { type: "broadcast", event, payload };
      this.#send({ joinRef: null, ref: null, topic, event: "broadcast", payload: broadcast });
    });
    if (stop === null) throw forbidden(topic);
    return stop;
  }

  /** Realtime, too, answers the join first, and reports in a message of its own whether the changes come. */
  async #receiveChanges(
    topic: string,
    channel: Channel,
    requests: readonly (ChangeRequest & { id: number })[],
  ): Promise<void> {
    try {
      const stop = await this.options.changes.listen({
        requests,
        claims: () => channel.claims,
        receive: (data, ids) =>
          this.#send({ joinRef: null, ref: null, topic, event: "postgres_changes", payload: { ids, data } }),
      });
      // Its token may have expired meanwhile.
      if (this.#channels.get(topic) !== channel) return stop();
      channel.stops.push(stop);
      this.#report(topic, "postgres_changes", "ok", "Subscribed to PostgreSQL");
    } catch (error) {
      this.#report(topic, "postgres_changes", "error", error instanceof Error ? error.message : String(error));
    }
  }

  /** Gives a channel a new token, or ends the channel where the token is not valid for it. */
  async #renew({ topic, payload }: Message): Promise<void> {
    const given = tokenSchema.safeParse(payload);
    const channel = this.#channels.get(topic);
    if (!given.success || channel === undefined || given.data.access_token.startsWith("sb_")) return;
    try {
      const claims = await this.#readToken(given.data.access_token);
      if (channel.isPrivate && !await this.options.broadcasts.mayRead(nameOf(topic), claims)) throw forbidden(topic);
      channel.claims = claims;
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
    this.#report(topic, "system", "error", message);
    this.#close(topic);
  }

  #report(topic: string, extension: "system" | "postgres_changes", status: "ok" | "error", message: string): void {
    const joinRef = this.#channels.get(topic)?.joinRef ?? null;
    const payload = { extension, status, message, channel: nameOf(topic) };
    this.#send({ joinRef, ref: null, topic, event: "system", payload });
  }

  /** Ends a channel, if there is one, and reports it. */
  #close(topic: string): void {
    const joinRef = this.#channels.get(topic)?.joinRef ?? null;
    if (this.#drop(topic)) this.#send({ joinRef, ref: joinRef, topic, event: "phx_close", payload: {} });
  }

  #drop(topic: string): boolean {
    const channel = this.#channels.get(topic);
    clearTimeout(channel?.timer);
    for (const stop of channel?.stops ?? []) stop();
    return this.#channels.delete(topic);
  }

  #send(message: Message): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(writeMessage(message, this.options.version));
  }

  #reply({ joinRef, ref, topic }: Message, status: "ok" | "error", response: object): void {
    this.#send({ joinRef, ref, topic, event: "phx_reply", payload: { status, response } });
  }

  /** The claims of a user's token; without a token those of the API key. Throws `Refusal`. */
  async #readToken(token: string | null | undefined): Promise<Claims> {
    if (!token || token.startsWith("sb_")) return this.options.claims;
    const verified = await this.options.userTokens.claimsOf(token);
    if (verified === null) throw new Refusal("InvalidJWTToken: The token provided is not a valid JWT");
    const { role, exp, ...claims } = verified;
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
