import assert from "node:assert/strict";
import {
  classOf,
  type ErrorClassText,
  errorOf,
  failureOf,
  noTimeout,
} from "../../supabase/functions/_shared/providers/test_support.ts";
import type { ProviderUnderTest } from "./provider-under-test.ts";
import {
  gatewayPage,
  MEANINGLESS_ANSWERS,
  withDroppingServer,
  withServer,
} from "../../supabase/functions/_shared/providers/test_servers.ts";

/** What a gateway's own page in place of an answer means for a check: never that the run has ended. */
const GATEWAY_ERRORS: [status: number, errorClass: ErrorClassText][] = [
  [401, "fatal provider_unauthorized"],
  [403, "retryable provider_unauthorized"],
  [404, "retryable provider_model_missing"],
  [408, "retryable provider_timeout"],
  [429, "retryable provider_busy"],
  [500, "retryable provider_error"],
  [502, "retryable provider_error"],
  [503, "retryable provider_busy"],
  [504, "retryable provider_timeout"],
  [520, "retryable provider_error"],
];

/** A check is free to repeat, and only the provider's own answer ends a run. */
export function testChecks(tested: ProviderUnderTest): void {
  const { name, connect, run } = tested;

  for (const [what, answer, state] of tested.checks) {
    Deno.test(`${name}: a check answered with ${what} leaves the run ${state.state}`, async () => {
      await withServer(() => Response.json(answer), async ({ origin }) => {
        assert.deepEqual(await connect(origin).check(run, noTimeout()), state);
      });
    });
  }

  const errors = [
    ...MEANINGLESS_ANSWERS.map(([what, answer]) => [what, answer, "retryable provider_bad_answer"] as const),
    ...GATEWAY_ERRORS.map(([status, expected]) => [`a gateway's ${status}`, gatewayPage(status), expected] as const),
  ];
  for (const [what, answer, errorClass] of errors) {
    Deno.test(`${name}: a check answered with ${what} throws ${errorClass}, after one request`, async () => {
      await withServer(answer, async ({ origin, arrived }) => {
        assert.equal(classOf(await errorOf(connect(origin).check(run, noTimeout()))), errorClass);
        assert.equal(arrived.length, 1);
      });
    });
  }

  Deno.test(`${name}: a check whose connection drops throws, after one connection`, async () => {
    await withDroppingServer(async ({ origin, connections }) => {
      const error = await errorOf(connect(origin).check(run, noTimeout()));
      assert.deepEqual([classOf(error), connections()], ["retryable provider_unreachable", 1]);
    });
  });

  Deno.test(`${name}: a check that takes too long throws`, async () => {
    const limit = new AbortController();
    const late = Promise.withResolvers<Response>();
    const answer = () => {
      limit.abort(new DOMException("too slow", "TimeoutError"));
      return late.promise;
    };
    await withServer(answer, async ({ origin }) => {
      const error = await errorOf(connect(origin).check(run, { signal: limit.signal }));
      assert.equal(classOf(error), "retryable provider_timeout");
      late.resolve(Response.json({}));
    });
  });

  Deno.test(`${name}: a redirect of a check is not followed: the key would go with it`, async () => {
    await withServer(() => Response.json({}), async (elsewhere) => {
      const redirect = () => new Response(null, { status: 302, headers: { location: elsewhere.origin } });
      await withServer(redirect, async ({ origin }) => {
        assert.equal((await errorOf(connect(origin).check(run, noTimeout()))).kind, "retryable");
        assert.deepEqual(elsewhere.arrived, []);
      });
    });
  });

  Deno.test(`${name}: a run that the provider does not know has expired, and cannot be cancelled`, async () => {
    const { status, body } = tested.unknownRun;
    await withServer(() => Response.json(body, { status }), async ({ origin }) => {
      const provider = connect(origin);
      assert.equal(classOf(failureOf(await provider.check(run, noTimeout()))), "rejected result_expired");
      assert.equal(await provider.cancel(run, noTimeout()), false);
    });
  });
}
