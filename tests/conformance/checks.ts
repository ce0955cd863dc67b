import assert from "node:assert/strict";
import { GATEWAY_ERRORS, gatewayPage, MEANINGLESS_ANSWERS, withDroppingServer, withServer } from "./servers.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider.ts";
import { classOf, errorOf, failureOf, noTimeout, type ProviderUnderTest } from "./provider-under-test.ts";

/** A look is free to repeat, and only the provider's own final word is a verdict. */
export function testChecks(tested: ProviderUnderTest): void {
  const { name, connect, run } = tested;

  for (const [what, answer, state] of tested.checks) {
    Deno.test(`${name}: a run of which ${what} is told goes on`, async () => {
      await withServer(() => Response.json(answer), async ({ origin }) => {
        assert.deepEqual(await connect(origin).check(run, noTimeout()), state);
      });
    });
  }

  for (const [what, answer] of MEANINGLESS_ANSWERS) {
    Deno.test(`${name}: a look answered with ${what} is thrown, after one request`, async () => {
      await withServer(answer, async ({ origin, arrived }) => {
        assert.equal(classOf(await errorOf(connect(origin).check(run, noTimeout()))), "retryable provider_bad_answer");
        assert.equal(arrived.length, 1);
      });
    });
  }

  for (const [status, isFatal] of GATEWAY_ERRORS) {
    Deno.test(`${name}: a look answered with a gateway's ${status} is thrown, after one request`, async () => {
      await withServer(gatewayPage(status), async ({ origin, arrived }) => {
        const error = await errorOf(connect(origin).check(run, noTimeout()));
        assert.equal(error.kind, isFatal ? "fatal" : "retryable");
        assert.equal(arrived.length, 1);
      });
    });
  }

  Deno.test(`${name}: a cancellation that a gateway answers is not taken for done, and not repeated`, async () => {
    for (const status of [429, 500, 502, 503, 504]) {
      await withServer(gatewayPage(status), async ({ origin, arrived }) => {
        const cancelled = await connect(origin).cancel(run, noTimeout()).catch((error: unknown) => error);
        assert.ok(cancelled === false || cancelled instanceof ProviderError, String(cancelled));
        assert.ok(arrived.length <= 1);
      });
    }
  });

  Deno.test(`${name}: a look whose connection drops is thrown, after one connection`, async () => {
    await withDroppingServer(async ({ origin, connections }) => {
      const error = await errorOf(connect(origin).check(run, noTimeout()));
      assert.deepEqual([classOf(error), connections()], ["retryable provider_unreachable", 1]);
    });
  });

  Deno.test(`${name}: a look that takes too long is thrown`, async () => {
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

  Deno.test(`${name}: a redirected look follows nobody: the key would go with it`, async () => {
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
