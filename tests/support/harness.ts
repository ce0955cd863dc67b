import postgres from "postgres";
import { z } from "zod";
import { type Stack, type StackOptions, startStack } from "../../local/stack/stack.ts";
import { signToken } from "../../local/supabase/tokens.ts";
import { databaseParent, databaseTemplate } from "./database-template.ts";

/** A signed-in user of the app. */
export interface TestUser {
  id: string;
  email: string;
  token: string;
}

/** An HTTP answer, read. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

/** A running stack with what tests need around it. */
export interface World extends Stack {
  sql: postgres.Sql<{ bigint: number }>;
  /** A new user with exactly these credits, signed in as by Auth, and with no password: Auth hashes each for 75 ms. */
  newUser(credits?: number): Promise<TestUser>;
  /** Signs a new user up through Auth, who gets what every new user gets. */
  signUp(email?: string): Promise<TestUser>;
  /** Calls a function; `body` is sent as JSON, a text as it is. */
  call(path: string, options?: CallOptions): Promise<Answer>;
  generate(
    user: TestUser,
    options?: { key?: string; body?: unknown; headers?: HeadersInit; settles?: boolean },
  ): Promise<Answer>;
  status(user: TestUser, jobId: unknown, headers?: HeadersInit): Promise<Answer>;
  /** Calls the worker, as its timer does. */
  tick(): Promise<Answer>;
  /** Calls the daily cleaning. */
  purge(): Promise<Answer>;
  /** Moves the database's clock on. */
  travel(seconds: number): Promise<void>;
  balance(user: TestUser): Promise<number>;
  /** Fails unless every book balances. */
  audit(): Promise<void>;
}

export interface CallOptions {
  method?: string;
  user?: TestUser | undefined;
  headers?: HeadersInit;
  body?: unknown;
  /** False: returns at the answer, before the submission behind it is recorded. */
  settles?: boolean;
}

/** The functions that record what a provider accepted after their answer. */
const RECORDS_LATER = /^(generate-video|canvas|openv)\b/;

/** How long a worker may write a video (see `app_settings`): a deleted file is deleted again afterwards. */
export const COPY_LEASE_SECONDS = 300;

/** Kling 3 Standard of the seeded catalogue: one credit a second, five seconds by default. */
export const KLING = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0001";
export const KLING_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0002";
export const VEO = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0003";
export const VEO_IMAGE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0005";
export const SORA = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a0008";

/** The request of a test that calls `start_generation` itself: five credits. */
export const LIGHTHOUSE = { model_id: KLING, prompt: "A lighthouse" };

/** A stack for the tests of the calling file: started before the first, stopped after the last. */
export function useWorld(options: StackOptions = {}): World {
  // Tests run only after beforeAll has filled it.
  const world = {} as World;
  Deno.test.beforeAll(async () => {
    Object.assign(world, await startWorld(options));
  });
  // A world that did not start has nothing to stop, and says so itself.
  Deno.test.afterAll(async () => await world.stop?.());
  return world;
}

/** Of users who signed up. */
export const PASSWORD = "a long enough password";
/** How long a token is valid, in seconds. */
const HOUR = 3600;

/** What Auth answers to a sign-up. */
const sessionSchema = z.object({ access_token: z.string(), user: z.object({ id: z.string() }) });

export async function startWorld(options: StackOptions = {}): Promise<World> {
  // Runs of a second or two: long enough to be seen running, short enough for tests that wait for them.
  // Without webhooks nothing happens but what a test does.
  const stack = await startStack({
    webhooks: false,
    databaseTemplate: databaseTemplate(),
    databaseParent: databaseParent(),
    ...options,
    falSimulator: { queueMs: 100, runMs: 300, anyModel: false, ...options.falSimulator },
  });
  const sql = postgres(stack.databaseUrl, {
    max: 4,
    onnotice: () => {},
    // As PostgREST answers it: a balance is a number.
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
  });
  await sql.unsafe(`
    create table private.test_clock (shift interval not null);
    insert into private.test_clock values ('0');
    grant select on private.test_clock to service_role;
    create or replace function private.clock() returns timestamptz language sql volatile set search_path = '' as
      $$ select clock_timestamp() + shift from private.test_clock $$;
    -- Tests that make a provider fail are not to shut out the tests after them; the tests of the circuit set their own.
    update app_settings set circuit_failures = 1000;
    -- Tests travel in the database's time, in which simulated runs take as long as the catalogue says.
    delete from private.run_times;
    -- One step a job, unless a test is about more.
    update pipeline_steps set is_available = false where name = 'thumbnail';
  `);

  async function call(path: string, options: CallOptions = {}): Promise<Answer> {
    const { method = "POST", user, headers, body, settles = RECORDS_LATER.test(path) } = options;
    const response = await fetch(`${stack.url}/functions/v1/${path}`, {
      method,
      headers: {
        "Content-Type": "application/json",
        ...(user ? { Authorization: `Bearer ${user.token}` } : {}),
        ...Object.fromEntries(new Headers(headers)),
      },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    // What a test does next must not race with it. Functions that are killed meanwhile have nothing to wait for.
    if (settles && method === "POST") await stack.functions.backgroundRest().catch(() => undefined);
    return {
      status: response.status,
      headers: response.headers,
      body: text === "" ? {} : z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
    };
  }

  return {
    ...stack,
    sql,
    call,
    async newUser(credits = 100) {
      await sql`delete from private.provider_circuits`;
      const id = crypto.randomUUID();
      const email = `user-${id}@example.com`;
      await sql`
        insert into auth.users (id, aud, role, email, email_confirmed_at)
        values (${id}, 'authenticated', 'authenticated', ${email}, now())`;
      const [account] = await sql`select credits_remaining from credit_balances where user_id = ${id}`;
      const difference = credits - Number(account?.credits_remaining);
      if (difference > 0) await sql`select add_credits(${id}, ${difference}, 'test')`;
      if (difference < 0) await sql`select deduct_credits(${id}, ${-difference}, 'test')`;
      const claims = {
        sub: id,
        aud: "authenticated",
        role: "authenticated",
        email,
        exp: Math.floor(Date.now() / 1000) + HOUR,
      };
      return { id, email, token: signToken(claims, stack.signingKey) };
    },
    async signUp(email = `user-${crypto.randomUUID()}@example.com`) {
      const response = await fetch(`${stack.url}/auth/v1/signup`, {
        method: "POST",
        headers: { apikey: stack.publishableKey, "Content-Type": "application/json" },
        body: JSON.stringify({ email, password: PASSWORD }),
      });
      const { access_token, user } = sessionSchema.parse(await response.json());
      return { id: user.id, email, token: access_token };
    },
    generate: (
      user,
      { key = crypto.randomUUID(), body = { model_id: KLING, prompt: "A lighthouse" }, headers, settles = true } = {},
    ) =>
      call("generate-video", {
        user,
        body,
        settles,
        headers: { "Idempotency-Key": key, ...Object.fromEntries(new Headers(headers)) },
      }),
    status: (user, jobId, headers) =>
      call(`get-video-status?job_id=${jobId}`, { method: "GET", user, ...(headers ? { headers } : {}) }),
    tick: () => call("advance-jobs", { headers: { apikey: stack.secretKey } }),
    purge: () => call("advance-jobs", { headers: { apikey: stack.secretKey }, body: { task: "purge" } }),
    async travel(seconds) {
      await sql`update private.test_clock set shift = shift + make_interval(secs => ${seconds})`;
    },
    async balance(user) {
      const [row] = await sql`select credits_remaining from credit_balances where user_id = ${user.id}`;
      return Number(row?.credits_remaining);
    },
    async audit() {
      const problems = await sql`select * from audit_credits()`;
      if (problems.length > 0) throw new Error(`The books do not balance: ${JSON.stringify(problems)}`);
    },
    async stop() {
      await sql.end();
      await stack.stop();
    },
  };
}

/** Waits until something that really runs in the background has come about; fails after a limit that no busy machine meets. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
