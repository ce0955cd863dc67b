import assert from "node:assert/strict";
import {
  closedOrigin,
  gatewayPage,
  MEANINGLESS_ANSWERS,
  withDroppingServer,
  withKeepAliveServer,
  withServer,
} from "./servers.ts";
import {
  classOf,
  type ErrorClassName,
  errorOf,
  noTimeout,
  type ProviderUnderTest,
  submissionOf,
  withSimulator,
} from "./provider-under-test.ts";

/** What is made of each fault, and whether the request may run and be billed in spite of it. */
const FAULTS: [words: string, errorClass: ErrorClassName, mayHaveStarted: boolean][] = [
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

/** A submission costs money: it is sent once, and its outcome is one of three. */
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
    Deno.test(`${name}: ${words} is ${errorClass}, ${mayHaveStarted ? "perhaps" : "not"} started, one POST`, async () => {
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

  Deno.test(`${name}: a submission on a kept-alive connection that drops is not sent again, by Deno neither`, async () => {
    await withKeepAliveServer(tested.accepted[0], async ({ origin, posts }) => {
      const provider = connect(origin);
      await provider.submit(submission, noTimeout());
      assert.equal((await errorOf(provider.submit(submission, noTimeout()))).mayHaveStarted, true);
      assert.equal(posts(), 2);
    });
  });

  for (const [what, answer] of [...MEANINGLESS_ANSWERS, ["a gateway's 520", gatewayPage(520)] as const]) {
    Deno.test(`${name}: a submission answered with ${what} may have started, after one POST`, async () => {
      await withServer(answer, async ({ origin, arrived }) => {
        const error = await errorOf(connect(origin).submit(submission, noTimeout()));
        assert.deepEqual([error.kind, error.mayHaveStarted, arrived.length], ["retryable", true, 1]);
      });
    });
  }

  Deno.test(`${name}: a redirected submission follows nobody, and may have started`, async () => {
    await withServer(() => Response.json(tested.accepted[0]), async (elsewhere) => {
      const redirect = () => new Response(null, { status: 307, headers: { location: elsewhere.origin } });
      await withServer(redirect, async ({ origin }) => {
        assert.equal((await errorOf(connect(origin).submit(submission, noTimeout()))).mayHaveStarted, true);
        assert.deepEqual(elsewhere.arrived, []);
      });
    });
  });

  Deno.test(`${name}: a submission that was called off, or that found nobody, has not started`, async () => {
    const provider = connect(closedOrigin());
    const early = await errorOf(provider.submit(submission, { signal: AbortSignal.abort("shutting down") }));
    assert.deepEqual([early.code, early.mayHaveStarted], ["provider_timeout", false]);
    const alone = await errorOf(provider.submit(submission, noTimeout()));
    assert.deepEqual([classOf(alone), alone.mayHaveStarted], ["retryable provider_unreachable", false]);
  });
}
