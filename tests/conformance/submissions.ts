import assert from "node:assert/strict";
import {
  classOf,
  type ErrorClassText,
  errorOf,
  noTimeout,
} from "../../supabase/functions/_shared/providers/test_support.ts";
import { type ProviderUnderTest, submissionOf, withSimulator } from "./provider-under-test.ts";
import {
  closedOrigin,
  gatewayPage,
  MEANINGLESS_ANSWERS,
  withDroppingServer,
  withKeepAliveServer,
  withServer,
} from "../../supabase/functions/_shared/providers/test_servers.ts";

/** The simulator's faults, the class of the error, and whether the run may start and be billed in spite of it. */
const FAULTS: [words: string, errorClass: ErrorClassText, mayHaveStarted: boolean][] = [
  ["submit_drop_before", "retryable provider_unreachable", true],
  ["submit_drop_after", "retryable provider_unreachable", true],
  ["submit_bad_json", "retryable provider_bad_answer", true],
  ["submit_502", "retryable provider_error", true],
  ["submit_504", "retryable provider_timeout", true],
  ["submit_401", "fatal provider_unauthorized", false],
  ["submit_429", "retryable provider_busy", false],
  ["submit_500", "retryable provider_error", false],
  ["submit_503", "retryable provider_busy", false],
];

/** Statuses of which a gateway's page does not prove that the provider behind it refused the submission. */
const OPEN_STATUSES = [408, 499, 502, 504, 520];

/** A submission costs money: it is sent once, and it is accepted, refused, or its outcome is unknown. */
export function testSubmissions(tested: ProviderUnderTest): void {
  const { name, connect } = tested;
  const submission = submissionOf(tested);

  Deno.test(`${name}: a submission is accepted as a run, after exactly one POST with the key`, async () => {
    const [answer, run] = tested.accepted;
    await withServer(() => Response.json(answer), async ({ origin, arrived, headers }) => {
      assert.deepEqual(await connect(origin).submit(submission, noTimeout()), run);
      assert.deepEqual([arrived.length, arrived[0]?.startsWith("POST ")], [1, true]);
      assert.ok(headers[0]?.has(tested.keyHeader));
      assert.equal(headers[0]?.get("content-type"), "application/json");
    });
  });

  for (const [words, errorClass, mayHaveStarted] of FAULTS) {
    const outcome = mayHaveStarted ? "may have started" : "has not started";
    Deno.test(`${name}: a submission with ${words} is ${errorClass} and ${outcome}, after one POST`, async () => {
      await withSimulator(tested, async ({ provider, submissions }) => {
        const error = await errorOf(provider.submit(submissionOf(tested, words), noTimeout()));
        assert.deepEqual([classOf(error), error.mayHaveStarted], [errorClass, mayHaveStarted]);
        assert.equal(submissions(), 1);
      });
    });
  }

  Deno.test(`${name}: a submission that is not answered in time may have started, after one POST`, async () => {
    await withSimulator(tested, async ({ provider, submissions }) => {
      const limit = new AbortController();
      const sent = provider.submit(submissionOf(tested, "slow=1h"), { signal: limit.signal });
      const outcome = errorOf(sent);
      while (submissions() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      limit.abort(new DOMException("too slow", "TimeoutError"));
      const error = await outcome;
      assert.deepEqual([classOf(error), error.mayHaveStarted], ["retryable provider_timeout", true]);
      assert.equal(submissions(), 1);
    });
  });

  Deno.test(`${name}: a submission whose connection drops may have started, after one connection`, async () => {
    await withDroppingServer(async ({ origin, connections }) => {
      const secret = "very-secret-token";
      const error = await errorOf(
        connect(origin).submit({ ...submission, webhookUrl: `https://us.example/hook?token=${secret}` }, noTimeout()),
      );
      assert.deepEqual([classOf(error), error.mayHaveStarted], ["retryable provider_unreachable", true]);
      assert.equal(connections(), 1);
      assert.ok(!`${error.message} ${error.detail}`.includes(secret));
    });
  });

  Deno.test(`${name}: a submission on a kept-alive connection that drops is not sent again, also not by Deno`, async () => {
    await withKeepAliveServer(tested.accepted[0], async ({ origin, posts }) => {
      const provider = connect(origin);
      await provider.submit(submission, noTimeout());
      assert.equal((await errorOf(provider.submit(submission, noTimeout()))).mayHaveStarted, true);
      assert.equal(posts(), 2);
    });
  });

  for (const [what, answer] of MEANINGLESS_ANSWERS) {
    Deno.test(`${name}: a submission answered with ${what} may have started, after one POST`, async () => {
      await withServer(answer, async ({ origin, arrived }) => {
        const error = await errorOf(connect(origin).submit(submission, noTimeout()));
        const outcome = [classOf(error), error.mayHaveStarted, arrived.length];
        assert.deepEqual(outcome, ["retryable provider_bad_answer", true, 1]);
      });
    });
  }

  for (const status of OPEN_STATUSES) {
    Deno.test(`${name}: a submission answered with a gateway's ${status} may have started, after one POST`, async () => {
      await withServer(gatewayPage(status), async ({ origin, arrived }) => {
        const error = await errorOf(connect(origin).submit(submission, noTimeout()));
        assert.deepEqual([error.mayHaveStarted, arrived.length], [true, 1]);
      });
    });
  }

  Deno.test(`${name}: a submission answered with a gateway's 403 is refused, and the account is not blamed`, async () => {
    await withServer(gatewayPage(403), async ({ origin }) => {
      const error = await errorOf(connect(origin).submit(submission, noTimeout()));
      assert.deepEqual([classOf(error), error.mayHaveStarted], ["rejected provider_unauthorized", false]);
    });
  });

  Deno.test(`${name}: a redirect of a submission is not followed, and the run may have started`, async () => {
    await withServer(() => Response.json(tested.accepted[0]), async (elsewhere) => {
      const redirect = () => new Response(null, { status: 307, headers: { location: elsewhere.origin } });
      await withServer(redirect, async ({ origin }) => {
        assert.equal((await errorOf(connect(origin).submit(submission, noTimeout()))).mayHaveStarted, true);
        assert.deepEqual(elsewhere.arrived, []);
      });
    });
  });

  Deno.test(`${name}: a submission that was aborted before it was sent, or found no server, has not started`, async () => {
    const provider = connect(closedOrigin());
    const early = await errorOf(provider.submit(submission, { signal: AbortSignal.abort("shutting down") }));
    assert.deepEqual([early.code, early.mayHaveStarted], ["provider_timeout", false]);
    const alone = await errorOf(provider.submit(submission, noTimeout()));
    assert.deepEqual([classOf(alone), alone.mayHaveStarted], ["retryable provider_unreachable", false]);
  });
}
