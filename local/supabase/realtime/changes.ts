import postgres from "postgres";
import type { Claims } from "./broadcasts.ts";
import { readVisible, subscribe, type Subscription, tableName, type VisibleChange } from "./change-access.ts";
import type { ChangeRequest } from "./change-filter.ts";
import { readChangeLine, type WrittenRow } from "./change-line.ts";

/** A change as `postgres_changes` sends it. */
export interface Change extends Omit<VisibleChange, "ids"> {
  schema: string;
  table: string;
  commit_timestamp: string;
  type: WrittenRow["type"];
  errors: null;
}

/** A client's channel. Its claims are asked for at each change, so that a new token counts at once. */
export interface ChangeListener {
  requests: readonly (ChangeRequest & { id: number })[];
  claims(): Claims;
  receive(change: Change, ids: number[]): void;
}

/**
 * The inserts and updates of the tables in the publication `supabase_realtime`, from the write-ahead log as at Realtime.
 * It holds a connection only while a client listens.
 */
export interface Changes {
  /**
   * Sends the listener each change that answers its requests and that its claims may read. Returns the way to stop.
   * Throws where a request cannot be answered.
   */
  listen(listener: ChangeListener): Promise<() => void>;
}

type Subscribers = Map<ChangeListener, Subscription[]>;

/** As often as Realtime does. */
const POLL_MS = 100;
const RETRY_MS = 1000;

export function createChanges(databaseUrl: string): Changes {
  const subscribers: Subscribers = new Map();
  let users = 0;
  let feed: Promise<Feed> | undefined;

  function release(): void {
    users--;
    if (users > 0) return;
    feed?.then((opened) => opened.end()).catch(() => {});
    feed = undefined;
  }

  async function open(): Promise<Feed> {
    const opened = new Feed(databaseUrl, subscribers);
    try {
      await opened.start();
    } catch (error) {
      // The next listener tries again.
      feed = undefined;
      await opened.end();
      throw error;
    }
    return opened;
  }

  return {
    async listen(listener) {
      users++;
      try {
        feed ??= open();
        const { sql } = await feed;
        const subscriptions = listener.requests.map((request) => subscribe(sql, request));
        subscribers.set(listener, await Promise.all(subscriptions));
      } catch (error) {
        release();
        throw error;
      }
      return () => {
        subscribers.delete(listener);
        release();
      };
    },
  };
}

/** Reads the write-ahead log through a replication slot that goes with its session. */
class Feed {
  readonly sql: postgres.Sql;
  readonly #slot = `realtime_${crypto.randomUUID().replaceAll("-", "_")}`;
  #isOpen = true;

  constructor(databaseUrl: string, private readonly subscribers: Subscribers) {
    this.sql = postgres(databaseUrl, { max: 1, max_lifetime: null, connect_timeout: 5, onnotice: () => {} });
  }

  async start(): Promise<void> {
    await this.#createSlot();
    void this.#follow();
  }

  async end(): Promise<void> {
    this.#isOpen = false;
    await this.sql.end({ timeout: 0 });
  }

  async #createSlot(): Promise<void> {
    await this.sql`select pg_create_logical_replication_slot(${this.#slot}, 'test_decoding', true)`;
  }

  async #follow(): Promise<void> {
    while (this.#isOpen) {
      try {
        await this.#read();
        await pause(POLL_MS);
      } catch {
        // A lost session has lost its slot. What was written meanwhile counts as missed, as at Realtime.
        await pause(RETRY_MS);
        if (this.#isOpen) await this.#createSlot().catch(() => {});
      }
    }
  }

  async #read(): Promise<void> {
    const lines = await this.sql<{ data: string }[]>`
      select data from pg_logical_slot_get_changes(${this.#slot}, null, null,
        'include-xids', 'off', 'skip-empty-xacts', 'on', 'include-timestamp', 'on')`;
    const written: WrittenRow[] = [];
    for (const { data } of lines) {
      const row = readChangeLine(data);
      if (row !== null) written.push(row);
      const [, date, time] = /^COMMIT \(at (\S+) ([\d:.]+)/.exec(data) ?? [];
      if (date === undefined) continue;
      const committed = new Date(`${date}T${time}Z`).toISOString();
      for (const row of written.splice(0)) await this.#deliver(row, committed);
    }
  }

  async #deliver(written: WrittenRow, committed: string): Promise<void> {
    for (const [listener, subscriptions] of this.subscribers) {
      const wanted = subscriptions.filter(({ event, tables }) =>
        (event === "*" || event === written.type) && tables.has(tableName(written))
      );
      if (wanted.length === 0) continue;
      // A role without the right to read the table sees nothing of it.
      const visible = await readVisible(this.sql, written, wanted, listener.claims()).catch(() => null);
      if (visible === null || !this.subscribers.has(listener)) continue;
      const { ids, ...change } = visible;
      const { type, schema, table } = written;
      listener.receive({ schema, table, commit_timestamp: committed, type, ...change, errors: null }, ids);
    }
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
