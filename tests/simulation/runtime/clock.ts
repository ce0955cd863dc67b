import type { Sql } from "postgres";

/** The only time there is: it moves when the driver moves it. In milliseconds. */
export class Clock {
  #now = Date.UTC(2026, 10, 1);

  private constructor(private readonly sql: Sql) {}

  /** Makes the database read this clock. It is a sequence of microseconds: two readings in a row are never the same. */
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

  async advance(milliseconds: number): Promise<void> {
    const microseconds = BigInt(this.#now + Math.ceil(milliseconds)) * 1000n;
    // Never back: where the database has drawn more readings than time has passed, it is as late as the last of them.
    const [row] = await this.sql`
      select setval('private.simulated_clock',
        greatest(${microseconds.toString()}::bigint, (last_value + 999) / 1000 * 1000)) / 1000 as milliseconds
      from private.simulated_clock
    `;
    this.#now = Number(row?.milliseconds);
  }
}
