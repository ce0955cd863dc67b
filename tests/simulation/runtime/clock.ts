import type { Sql } from "postgres";

/** The simulated time in milliseconds. It moves only when the driver moves it. */
export class Clock {
  #now = Date.UTC(2026, 10, 1);

  private constructor(private readonly sql: Sql) {}

  /** Makes the database read this clock. There it is a sequence of microseconds, so that no two readings are equal. */
  static async install(sql: Sql): Promise<Clock> {
    await sql.unsafe(`
      create sequence private.simulated_clock;
      grant usage on sequence private.simulated_clock to service_role;
      create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as $$
        select timestamptz 'epoch' + nextval('private.simulated_clock') * interval '1 microsecond'
      $$;
    `);
    const clock = new Clock(sql);
    await clock.advance(0);
    return clock;
  }

  readonly now = (): number => this.#now;

  /** Reads the database's clock this often: it moves by as many microseconds. */
  async creep(readings: number): Promise<void> {
    await this.sql`select count(nextval('private.simulated_clock')) from generate_series(1, ${readings}::integer)`;
  }

  /** From now on each reading of the database's clock moves it by so many microseconds. */
  async pace(microseconds: number): Promise<void> {
    await this.sql.unsafe(`alter sequence private.simulated_clock increment by ${microseconds}`);
  }

  async advance(milliseconds: number): Promise<void> {
    const microseconds = BigInt(this.#now + Math.ceil(milliseconds)) * 1000n;
    // The clock must not go back: many readings may have moved the sequence beyond the new time.
    const [row] = await this.sql`
      select setval('private.simulated_clock',
        greatest(${microseconds.toString()}::bigint, (last_value + 999) / 1000 * 1000)) / 1000 as milliseconds
      from private.simulated_clock
    `;
    this.#now = Number(row?.milliseconds);
  }
}
