import type { World } from "./harness.ts";

/** Three virtual seconds for 150 real milliseconds: leases, grace times and pauses end while a test runs. */
const FACTOR = 20;

/** Makes the database's clock run fast, also after a restart of its server, until the returned function is called. */
export async function accelerateClock({ sql }: World): Promise<() => Promise<void>> {
  const define = (time: string) => `
    create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as
      $$ select ${time} from private.test_clock $$;`;
  const started = new Date().toISOString();
  await sql.unsafe(
    define(`clock_timestamp() + shift + ${FACTOR} * (clock_timestamp() - timestamptz '${started}')`),
  );
  return async () => {
    // A millisecond more, so that the clock does not go back.
    await sql.unsafe(`
      update private.test_clock set shift = private.clock() - clock_timestamp() + interval '1 ms';
      ${define("clock_timestamp() + shift")}
    `);
  };
}
