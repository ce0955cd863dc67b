import assert from "node:assert/strict";
import { createFalAdapter } from "./falai-adapter.ts";
import { FAL_ERROR_TYPES } from "./fal-errors.ts";
import {
  ProviderError,
  type ProviderErrorCode,
  type ProviderErrorKind,
  type RunState,
  type VideoProvider,
} from "../provider.ts";

const MODEL = "fal-ai/veo3.1/fast";
const WEBHOOK = "https://reelmint.example/functions/v1/provider-webhook/fal?job=1&token=very-secret-token";
const submission = {
  model: MODEL,
  input: { prompt: "a lighthouse", duration: "8s" },
  webhookUrl: WEBHOOK,
  startWithinSeconds: 90,
};
const run = { model: MODEL, providerJobId: "019e0000-aaaa-7bbb-8ccc-0123456789ab" };

const patient = () => ({ signal: new AbortController().signal });

interface FalQueue {
  fal: VideoProvider;
  /** What arrived, as `METHOD /path`. */
  arrived: string[];
}

/** A queue that answers as the test says. */
async function withQueue(
  answer: (request: Request) => Response | Promise<Response>,
  test: (queue: FalQueue) => Promise<void>,
): Promise<void> {
  const arrived: string[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    arrived.push(`${request.method} ${new URL(request.url).pathname}`);
    return answer(request);
  });
  try {
    await test({ fal: createFalAdapter({ key: "id:secret", queueUrl: originOf(server) }), arrived });
  } finally {
    await server.shutdown();
  }
}

/** A queue that reads a request and then closes the connection. */
async function withDroppingQueue(test: (queue: { fal: VideoProvider; connections(): number }) => Promise<void>) {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let connections = 0;
  const serving = (async () => {
    for await (const connection of listener) {
      connections++;
      await connection.read(new Uint8Array(65536));
      connection.close();
    }
  })();
  const queueUrl = `http://127.0.0.1:${listener.addr.port}`;
  try {
    await test({ fal: createFalAdapter({ key: "id:secret", queueUrl }), connections: () => connections });
  } finally {
    listener.close();
    await serving;
  }
}

function originOf(server: Deno.HttpServer<Deno.NetAddr>): string {
  return `http://127.0.0.1:${server.addr.port}`;
}

async function providerError(promise: Promise<unknown>): Promise<ProviderError> {
  const error = await promise.then(
    (value) => assert.fail(`no error but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof ProviderError, `not a ProviderError: ${error}`);
  return error;
}

function failure(state: RunState): ProviderError {
  if (state.state !== "failed") {
    assert.fail(`not failed but ${JSON.stringify(state)}`);
  }
  return state.error;
}

const html = (status: number) =>
  new Response(`<html><h1>${status}</h1>nginx</html>`, { status, headers: { "content-type": "text/html" } });

/** A queue whose run is over and whose result answers so. */
const completed = (result: () => Response, status: Record<string, unknown> = {}) => (request: Request) =>
  request.url.includes("/status") ? Response.json({ status: "COMPLETED", ...status }) : result();

Deno.test("a submission is one POST with the input, the key, the webhook, the start limit and the files' lifetime", async () => {
  let sent: { url: string; headers: Headers; body: unknown } | undefined;
  await withQueue(async (request) => {
    sent = { url: request.url, headers: new Headers(request.headers), body: await request.json() };
    return Response.json({ status: "IN_QUEUE", request_id: run.providerJobId, queue_position: 0 });
  }, async ({ fal, arrived }) => {
    assert.deepEqual(await fal.submit(submission, patient()), run);
    assert.deepEqual(arrived, [`POST /${MODEL}`]);
    assert.deepEqual(sent?.body, submission.input);
    assert.equal(new URL(sent.url).searchParams.get("fal_webhook"), WEBHOOK);
    const { headers } = sent;
    assert.equal(headers.get("authorization"), "Key id:secret");
    assert.equal(headers.get("content-type"), "application/json");
    assert.equal(headers.get("x-fal-request-timeout"), "90");
    assert.equal(headers.get("x-fal-request-start-timeout"), "90");
    assert.equal(headers.get("x-app-fal-disable-fallback"), "true");
    assert.equal(headers.get("x-fal-no-retry"), null);
    const lifetime = headers.get("x-fal-object-lifecycle-preference") ?? "";
    assert.deepEqual(JSON.parse(lifetime), { expiration_duration_seconds: 604_800 });
  });
});

Deno.test("a submission without a webhook names none, and a start limit too short for the client is raised", async () => {
  let sent: { url: string; headers: Headers } | undefined;
  await withQueue((request) => {
    sent = { url: request.url, headers: new Headers(request.headers) };
    return Response.json({ request_id: "x" });
  }, async ({ fal }) => {
    await fal.submit({ model: MODEL, input: {}, startWithinSeconds: 0.5 }, patient());
    assert.equal(new URL(sent?.url ?? "").search, "");
    assert.equal(sent?.headers.get("x-fal-request-timeout"), "2");
  });
});

type Expected = [kind: ProviderErrorKind, code: ProviderErrorCode];

const locked = { detail: "User is locked. Reason: Exhausted balance. Top up your balance." };
const refusals: [status: number, body: unknown, expected: Expected][] = [
  [400, { detail: "bad timeout header", error_type: "bad_request" }, ["rejected", "provider_rejected_input"]],
  [401, { detail: "invalid key" }, ["fatal", "provider_unauthorized"]],
  [403, locked, ["fatal", "provider_locked"]],
  [403, { detail: "User is locked. Reason: Admin lock." }, ["fatal", "provider_locked"]],
  [403, { detail: "not allowed" }, ["fatal", "provider_unauthorized"]],
  [404, { detail: 'Application "veo9" not found' }, ["rejected", "provider_model_missing"]],
  [413, "too large", ["rejected", "provider_rejected_input"]],
  [
    422,
    { detail: [{ type: "missing", loc: ["body", "prompt"], msg: "Field required" }] },
    ["rejected", "provider_rejected_input"],
  ],
  [422, { detail: "text only" }, ["rejected", "provider_rejected_input"]],
  [429, { detail: "queue is full" }, ["retryable", "provider_busy"]],
  [500, { detail: "Internal Server Error" }, ["retryable", "provider_error"]],
  [503, "<html>nginx</html>", ["retryable", "provider_busy"]],
];

for (const [status, body, [kind, code]] of refusals) {
  Deno.test(
    `a submission answered ${status} ${JSON.stringify(body)} is refused as ${code} after exactly one POST`,
    async () => {
      await withQueue(
        () => Response.json(body, { status }),
        async ({ fal, arrived }) => {
          const error = await providerError(fal.submit(submission, patient()));
          assert.deepEqual([error.kind, error.code, error.mayHaveStarted], [kind, code, false]);
          assert.deepEqual(arrived, [`POST /${MODEL}`]);
        },
      );
    },
  );
}

const openAnswers: [name: string, answer: () => Response][] = [
  ["408", () => html(408)],
  ["499", () => Response.json({ detail: "closed", error_type: "client_disconnected" }, { status: 499 })],
  ["502", () => html(502)],
  ["504", () => html(504)],
  ["520", () => html(520)],
  ["a redirect", () => new Response(null, { status: 307, headers: { location: "/elsewhere" } })],
  ["200 and an HTML page", () => html(200)],
  ["200 and JSON cut short", () => new Response('{"request_', { headers: { "content-type": "application/json" } })],
  ["200 without a request_id", () => Response.json({ status: "IN_QUEUE" })],
  ["200 with an empty request_id", () => Response.json({ request_id: "" })],
  ["204", () => new Response(null, { status: 204 })],
];

for (const [name, answer] of openAnswers) {
  Deno.test(`a submission answered with ${name} may have started, after exactly one POST`, async () => {
    await withQueue(answer, async ({ fal, arrived }) => {
      const error = await providerError(fal.submit(submission, patient()));
      assert.equal(error.mayHaveStarted, true);
      assert.deepEqual(arrived, [`POST /${MODEL}`]);
    });
  });
}

Deno.test("a submission whose connection drops may have started, after exactly one connection", async () => {
  await withDroppingQueue(async ({ fal, connections }) => {
    const error = await providerError(fal.submit(submission, patient()));
    assert.deepEqual([error.kind, error.code, error.mayHaveStarted], ["retryable", "provider_unreachable", true]);
    assert.equal(connections(), 1);
    assert.doesNotMatch(`${error.message} ${error.detail}`, /very-secret-token/);
  });
});

Deno.test("a submission on a kept-alive connection that then drops is not sent again, by the client or by Deno", async () => {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  let posts = 0;
  /** Reads until the next POST begins; a request may come in several pieces. */
  const nextPost = async (connection: Deno.Conn) => {
    const buffer = new Uint8Array(65536);
    for (let length; (length = await connection.read(buffer)) !== null;) {
      if (new TextDecoder().decode(buffer.subarray(0, length)).startsWith("POST")) return posts++;
    }
  };
  const serve = async (connection: Deno.Conn) => {
    await nextPost(connection);
    const body = JSON.stringify({ request_id: "first" });
    const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    await connection.write(new TextEncoder().encode(`${head}\r\n\r\n${body}`));
    await nextPost(connection);
    connection.close();
  };
  const serving = (async () => {
    for await (const connection of listener) serve(connection).catch(() => connection.close());
  })();
  const fal = createFalAdapter({ key: "k", queueUrl: `http://127.0.0.1:${listener.addr.port}` });
  await fal.submit(submission, patient());
  const error = await providerError(fal.submit(submission, patient()));
  assert.equal(error.mayHaveStarted, true);
  assert.equal(posts, 2);
  listener.close();
  await serving;
});

Deno.test("a submission that is not answered in time may have started, after exactly one POST", async () => {
  const limit = new AbortController();
  const late = Promise.withResolvers<Response>();
  const answer = () => {
    limit.abort(new DOMException("too slow", "TimeoutError"));
    return late.promise;
  };
  await withQueue(answer, async ({ fal, arrived }) => {
    const error = await providerError(fal.submit(submission, { signal: limit.signal }));
    assert.deepEqual([error.kind, error.code, error.mayHaveStarted], ["retryable", "provider_timeout", true]);
    late.resolve(Response.json({ request_id: "late" }));
    assert.deepEqual(arrived, [`POST /${MODEL}`]);
  });
});

Deno.test("a submission that was called off before it was sent has not started", async () => {
  await withQueue(
    () => Response.json({ request_id: "x" }),
    async ({ fal, arrived }) => {
      const error = await providerError(fal.submit(submission, { signal: AbortSignal.abort("shutting down") }));
      assert.deepEqual([error.code, error.mayHaveStarted], ["provider_timeout", false]);
      assert.deepEqual(arrived, []);
    },
  );
});

Deno.test("a submission to which no connection could be made has not started", async () => {
  const closed = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  closed.close();
  const fal = createFalAdapter({ key: "k", queueUrl: `http://127.0.0.1:${closed.addr.port}` });
  const error = await providerError(fal.submit(submission, patient()));
  assert.deepEqual([error.code, error.mayHaveStarted], ["provider_unreachable", false]);
});

Deno.test("a status that says little or something new leaves the run running", async () => {
  const bodies = [
    { status: "IN_PROGRESS", logs: null },
    { status: "WARMING_UP" },
    { status: "IN_PROGRESS", error: null },
  ];
  for (const body of bodies) {
    await withQueue(
      () => Response.json(body, { status: 202 }),
      async ({ fal }) => {
        assert.deepEqual(await fal.check(run, patient()), { state: "running", percent: null });
      },
    );
  }
  await withQueue(
    () => Response.json({ status: "IN_QUEUE", queue_position: "soon" }),
    async ({ fal }) => {
      assert.deepEqual(await fal.check(run, patient()), { state: "queued", queuePosition: null });
    },
  );
});

const statusTroubles: [name: string, answer: () => Response, expected: Expected][] = [
  ["429", () => Response.json({ detail: "slow down" }, { status: 429 }), ["retryable", "provider_busy"]],
  ["500", () => html(500), ["retryable", "provider_error"]],
  ["502", () => html(502), ["retryable", "provider_error"]],
  ["503", () => html(503), ["retryable", "provider_busy"]],
  ["504", () => html(504), ["retryable", "provider_timeout"]],
  ["400", () => Response.json({ detail: "bad" }, { status: 400 }), ["retryable", "provider_rejected_input"]],
  ["401", () => Response.json({ detail: "bad key" }, { status: 401 }), ["fatal", "provider_unauthorized"]],
  ["403", () => Response.json(locked, { status: 403 }), ["fatal", "provider_locked"]],
  ["a gateway's 404", () => html(404), ["retryable", "provider_model_missing"]],
  [
    "404 for the route",
    () => Response.json({ detail: "Not Found" }, { status: 404 }),
    ["retryable", "provider_model_missing"],
  ],
  ["an HTML page", () => html(200), ["retryable", "provider_bad_answer"]],
  ["an empty object", () => Response.json({}), ["retryable", "provider_bad_answer"]],
];

for (const [name, answer, [kind, code]] of statusTroubles) {
  Deno.test(`a status call answered with ${name} is thrown, never a verdict, after exactly one GET`, async () => {
    await withQueue(answer, async ({ fal, arrived }) => {
      const error = await providerError(fal.check(run, patient()));
      assert.deepEqual([error.kind, error.code], [kind, code]);
      assert.deepEqual(arrived, [`GET /fal-ai/veo3.1/requests/${run.providerJobId}/status`]);
    });
  });
}

Deno.test("a dropped status call is thrown after exactly one connection", async () => {
  await withDroppingQueue(async ({ fal, connections }) => {
    const error = await providerError(fal.check(run, patient()));
    assert.deepEqual([error.kind, error.code], ["retryable", "provider_unreachable"]);
    assert.equal(connections(), 1);
  });
});

Deno.test("a request that fal no longer knows has expired, by its status or by its result", async () => {
  const unknown = () => Response.json({ status: "NOT_FOUND" }, { status: 404 });
  for (const answer of [unknown, completed(unknown)]) {
    await withQueue(answer, async ({ fal }) => {
      const error = failure(await fal.check(run, patient()));
      assert.deepEqual([error.kind, error.code], ["rejected", "result_expired"]);
    });
  }
});

const PLATFORM_STATUSES: Record<string, number> = {
  request_timeout: 504,
  startup_timeout: 504,
  runner_scheduling_failure: 503,
  runner_connection_timeout: 503,
  runner_disconnected: 503,
  runner_connection_refused: 503,
  runner_connection_error: 503,
  runner_incomplete_response: 502,
  runner_server_error: 500,
  internal_error: 500,
  client_disconnected: 499,
  client_cancelled: 499,
  bad_request: 400,
};

const MODEL_STATUSES: Record<string, number> = {
  internal_server_error: 500,
  generation_timeout: 504,
  downstream_service_error: 400,
  downstream_service_unavailable: 500,
};

const EXPECTED_TYPES: Record<string, string> = {
  "retryable provider_error": `internal_server_error downstream_service_error runner_disconnected
    runner_connection_refused runner_connection_error runner_incomplete_response runner_server_error internal_error`,
  "retryable provider_timeout": "generation_timeout request_timeout startup_timeout runner_connection_timeout",
  "retryable provider_busy": "downstream_service_unavailable runner_scheduling_failure concurrent_requests_limit",
  "rejected content_policy": "content_policy_violation",
  "rejected no_media": "no_media_generated",
  "rejected cancelled_by_provider": "client_disconnected client_cancelled",
  "rejected image_rejected":
    "image_too_small image_too_large image_load_error face_detection_error unsupported_image_format",
  "rejected provider_rejected_input":
    `file_download_error file_too_large greater_than greater_than_equal less_than less_than_equal multiple_of
    sequence_too_short sequence_too_long one_of feature_not_supported invalid_archive
    archive_file_count_below_minimum archive_file_count_exceeds_maximum audio_duration_too_long
    audio_duration_too_short video_duration_too_long video_duration_too_short unsupported_audio_format
    unsupported_video_format bad_request`,
};

const expectedTypes = Object.entries(EXPECTED_TYPES).flatMap(([errorClass, types]) =>
  types.split(/\s+/).map((type): [string, string] => [type, errorClass])
);

Deno.test("every documented error type has the meaning that the table of this test says", () => {
  const actual = [...FAL_ERROR_TYPES].map(([type, { kind, code }]): [string, string] => [type, `${kind} ${code}`]);
  assert.deepEqual(new Map(actual), new Map(expectedTypes));
});

for (const [type, errorClass] of expectedTypes) {
  // Direct calls only (https://fal.ai/docs/errors): it can be no run's failure.
  if (type === "concurrent_requests_limit") continue;
  Deno.test(`a run that failed with ${type} is ${errorClass}`, async () => {
    const platform = PLATFORM_STATUSES[type];
    const answer = platform === undefined
      ? completed(() =>
        Response.json({ detail: [{ loc: ["body"], msg: "words", type }] }, { status: MODEL_STATUSES[type] ?? 422 })
      )
      : completed(
        () => Response.json({ detail: "words", error_type: type }, { status: platform }),
        { error: "words", error_type: type },
      );
    await withQueue(answer, async ({ fal }) => {
      const error = failure(await fal.check(run, patient()));
      assert.equal(`${error.kind} ${error.code}`, errorClass);
      assert.match(error.detail, new RegExp(`${type}.*words`));
    });
  });
}

type Answer = [status: number, body: unknown, headers?: Record<string, string>];

const verdicts: [name: string, answer: Answer, expected: Expected][] = [
  [
    "an unlisted 422 type",
    [422, { detail: [{ type: "value_error", msg: "no" }] }],
    ["rejected", "provider_rejected_input"],
  ],
  [
    "an image that fal could not fetch",
    [422, { detail: [{ type: "file_download_error", loc: ["body", "start_image_url"], msg: "no" }] }],
    ["rejected", "image_rejected"],
  ],
  [
    "an image frame that is too large",
    [422, { detail: [{ type: "file_too_large", loc: ["body", "last_frame_url"], msg: "no" }] }],
    ["rejected", "image_rejected"],
  ],
  [
    "a sound that fal could not fetch",
    [422, { detail: [{ type: "file_download_error", loc: ["body", "audio_url"], msg: "no" }] }],
    ["rejected", "provider_rejected_input"],
  ],
  ["a 422 in words", [422, { detail: "no" }], ["rejected", "provider_rejected_input"]],
  ["a 500 in words", [500, { detail: "boom" }], ["retryable", "provider_error"]],
  ["an unlisted 500 type", [500, { detail: [{ type: "out_of_memory" }] }], ["retryable", "provider_error"]],
  [
    "a second, listed type",
    [422, { detail: [{ type: "value_error" }, { type: "content_policy_violation" }] }],
    ["rejected", "content_policy"],
  ],
  [
    "X-Fal-Needs-Retry: 0",
    [500, detail("internal_server_error"), { "X-Fal-Needs-Retry": "0" }],
    ["rejected", "provider_error"],
  ],
  [
    "X-Fal-Needs-Retry: 1",
    [500, detail("internal_server_error"), { "X-Fal-Needs-Retry": "1" }],
    ["retryable", "provider_error"],
  ],
  [
    "X-Fal-Retryable: false",
    [504, detail("generation_timeout"), { "X-Fal-Retryable": "false" }],
    ["rejected", "provider_timeout"],
  ],
  [
    "X-Fal-Retryable: true",
    [504, detail("generation_timeout"), { "X-Fal-Retryable": "true" }],
    ["retryable", "provider_timeout"],
  ],
  [
    "a retry asked for an unlisted 422",
    [422, detail("flaky"), { "X-Fal-Needs-Retry": "1" }],
    ["retryable", "provider_error"],
  ],
  [
    "a retry asked for a policy violation",
    [422, detail("content_policy_violation"), { "X-Fal-Needs-Retry": "1" }],
    ["rejected", "content_policy"],
  ],
  ["the type in a header only", [500, {}, { "X-Fal-Error-Type": "internal_error" }], ["retryable", "provider_error"]],
  [
    "our start limit",
    [504, { detail: "late", error_type: "request_timeout" }, { "X-Fal-Request-Timeout-Type": "user" }],
    ["rejected", "provider_timeout"],
  ],
  [
    "a path that the model does not have",
    [404, { detail: "Path /slow not found" }],
    ["rejected", "provider_model_missing"],
  ],
];

function detail(type: string): unknown {
  return { detail: [{ type, loc: ["body", 0], msg: "words" }] };
}

for (const [name, [status, body, headers], [kind, code]] of verdicts) {
  Deno.test(`a completed run whose result is ${name} has failed as ${kind} ${code}`, async () => {
    const result = () => Response.json(body, { status, headers: headers ?? {} });
    await withQueue(completed(result), async ({ fal, arrived }) => {
      const error = failure(await fal.check(run, patient()));
      assert.deepEqual([error.kind, error.code, error.mayHaveStarted], [kind, code, false]);
      assert.equal(arrived.length, 2);
    });
  });
}

const resultTroubles: [name: string, answer: () => Response, expected: Expected][] = [
  ["a gateway's 500", () => html(500), ["retryable", "provider_error"]],
  ["a gateway's 502", () => html(502), ["retryable", "provider_error"]],
  ["503 in bare words", () => Response.json({ detail: "busy" }, { status: 503 }), ["retryable", "provider_busy"]],
  ["a gateway's 504", () => html(504), ["retryable", "provider_timeout"]],
  ["429", () => Response.json({ detail: "slow down" }, { status: 429 }), ["retryable", "provider_busy"]],
  ["401", () => Response.json({ detail: "bad key" }, { status: 401 }), ["fatal", "provider_unauthorized"]],
  ["403", () => Response.json(locked, { status: 403 }), ["fatal", "provider_locked"]],
];

for (const [name, answer, [kind, code]] of resultTroubles) {
  Deno.test(
    `a result answered with ${name} is thrown after exactly one GET, unless the status told of a failure`,
    async () => {
      await withQueue(completed(answer), async ({ fal, arrived }) => {
        const error = await providerError(fal.check(run, patient()));
        assert.deepEqual([error.kind, error.code], [kind, code]);
        assert.equal(arrived.length, 2);
      });
      await withQueue(completed(answer, { error: "gone", error_type: "runner_disconnected" }), async ({ fal }) => {
        const error = failure(await fal.check(run, patient()));
        assert.deepEqual([error.kind, error.code], ["retryable", "provider_error"]);
      });
    },
  );
}

Deno.test("the result tells more than the status, and is believed first", async () => {
  const refused = () => Response.json(detail("content_policy_violation"), { status: 422 });
  await withQueue(completed(refused, { error: "Invalid status code: 422" }), async ({ fal }) => {
    assert.equal(failure(await fal.check(run, patient())).code, "content_policy");
  });
});

Deno.test("a result asked for too early leaves the run running", async () => {
  const early = [
    () => Response.json({ detail: "Request is still in progress" }, { status: 400 }),
    () => Response.json({ status: "IN_PROGRESS" }, { status: 202 }),
  ];
  for (const answer of early) {
    await withQueue(completed(answer), async ({ fal }) => {
      assert.deepEqual(await fal.check(run, patient()), { state: "running", percent: null });
    });
  }
});

const URL_1 = "https://v3b.fal.media/files/b/1.bin";
const URL_2 = "https://v3b.fal.media/files/b/2.bin";
const shapes: [output: unknown, media: Record<string, string>][] = [
  [{ video: { url: URL_1, content_type: null, file_size: "?" } }, { video_url: URL_1 }],
  [{ video: URL_1 }, { video_url: URL_1 }],
  [
    { video_url: URL_1, thumbnail_url: URL_2 },
    { video_url: URL_1, thumbnail_url: URL_2 },
  ],
  [{ videos: [null, { url: URL_1 }] }, { video_url: URL_1 }],
  [
    { video: { url: URL_1 }, video_id: "x", thumbnail: { url: URL_2 }, spritesheet: null },
    { video_url: URL_1, thumbnail_url: URL_2 },
  ],
  [{ images: [{ url: URL_1, width: null }] }, { image_url: URL_1 }],
  [{ audio: { url: URL_1 }, seed: 1 }, { audio_url: URL_1 }],
  [{ audio_file: { url: URL_1 } }, { audio_url: URL_1 }],
  [{ audio_url: URL_1, video: 7 }, { audio_url: URL_1 }],
];

for (const [output, media] of shapes) {
  Deno.test(`the media of ${JSON.stringify(output)} are found`, async () => {
    await withQueue(
      completed(() => Response.json(output)),
      async ({ fal }) => {
        assert.deepEqual(await fal.check(run, patient()), { state: "succeeded", media });
      },
    );
  });
}

const empty = [
  {},
  [],
  null,
  "text",
  { video: null },
  { video: { url: "" } },
  { videos: [] },
  { images: "no" },
  { audio: { url: "data:audio/wav;base64,UklGRg==" } },
  { video: { url: "file:///etc/passwd" } },
];

for (const output of empty) {
  Deno.test(`a success with ${JSON.stringify(output)} is a failure without media`, async () => {
    await withQueue(
      completed(() => Response.json(output)),
      async ({ fal }) => {
        const error = failure(await fal.check(run, patient()));
        assert.deepEqual([error.kind, error.code], ["rejected", "no_media"]);
      },
    );
  });
}

Deno.test("only the first two parts of a model's id, or three in a workflow's, lead to its requests", async () => {
  await withQueue(
    () => Response.json({ status: "IN_PROGRESS" }),
    async ({ fal, arrived }) => {
      await fal.check({ model: "fal-ai/kling-video/v3/pro/image-to-video", providerJobId: "a" }, patient());
      await fal.check({ model: "workflows/acme/flow/x", providerJobId: "b/../c" }, patient());
      assert.deepEqual(arrived, [
        "GET /fal-ai/kling-video/requests/a/status",
        "GET /workflows/acme/flow/requests/b%2F..%2Fc/status",
      ]);
    },
  );
});

const cancellations: [status: number, body: unknown, stopped: boolean][] = [
  [202, { status: "CANCELLATION_REQUESTED" }, true],
  [200, { status: "OK" }, true],
  [200, { success: true }, true],
  [200, "not json", true],
  [400, { status: "ALREADY_COMPLETED" }, false],
  [404, { status: "NOT_FOUND" }, false],
];

for (const [status, body, stopped] of cancellations) {
  Deno.test(
    `a cancellation answered ${status} ${JSON.stringify(body)} ${stopped ? "was heard" : "came too late"}`,
    async () => {
      const answer = () => typeof body === "string" ? new Response(body, { status }) : Response.json(body, { status });
      await withQueue(answer, async ({ fal, arrived }) => {
        assert.equal(await fal.cancel(run, patient()), stopped);
        assert.deepEqual(arrived, [`PUT /fal-ai/veo3.1/requests/${run.providerJobId}/cancel`]);
      });
    },
  );
}

for (const status of [400, 401, 429, 500, 502, 503, 504]) {
  Deno.test(`a cancellation answered ${status} is thrown after exactly one PUT`, async () => {
    await withQueue(
      () => html(status),
      async ({ fal, arrived }) => {
        await providerError(fal.cancel(run, patient()));
        assert.equal(arrived.length, 1);
      },
    );
  });
}

Deno.test("a dropped cancellation is thrown after exactly one connection", async () => {
  await withDroppingQueue(async ({ fal, connections }) => {
    assert.equal((await providerError(fal.cancel(run, patient()))).code, "provider_unreachable");
    assert.equal(connections(), 1);
  });
});

Deno.test("the key goes to the queue but not to the files", async () => {
  const keys: (string | null)[] = [];
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => {
    keys.push(request.headers.get("authorization"));
    return request.url.endsWith(".mp4") ? new Response("film") : Response.json({ status: "IN_PROGRESS" });
  });
  const fal = createFalAdapter({ key: "id:secret", queueUrl: originOf(server) });
  await fal.check(run, patient());
  assert.equal(await (await fal.fetchMedia(`${originOf(server)}/1.mp4`, patient())).text(), "film");
  assert.deepEqual(keys, ["Key id:secret", null]);
  await server.shutdown();
});
