// What only Rendi has; what all providers must do is in tests/conformance/provider_conformance_test.ts.
import assert from "node:assert/strict";
import { z } from "zod";
import type { RunState } from "../provider.ts";
import { classOf, type ErrorClassText, errorOf, failureOf, fakeFetch, mediaOf, noTimeout } from "../test_support.ts";
import { createRendiAdapter } from "./rendi-adapter.ts";

const API = "https://api.rendi.dev/v1";
const ID = "7b0f1c7e-3c4b-4a55-9a7e-1d2f3a4b5c6d";
const VIDEO = "https://files.example/1.mp4?token=a";
const trim = { model: "trim", input: { video_url: VIDEO, seconds: 2 }, startWithinSeconds: 90 };

Deno.test("a command is sent with its files, its limits and the key", async () => {
  const { send, sent } = fakeFetch(() => Response.json({ command_id: ID }));
  const run = await createRendiAdapter({ key: "secret", fetch: send }).submit(trim, noTimeout());
  assert.deepEqual(run, { model: "trim", providerJobId: ID });
  const [request] = sent;
  assert.deepEqual([request?.method, request?.url], ["POST", `${API}/run-ffmpeg-command`]);
  assert.equal(request?.headers.get("x-api-key"), "secret");
  assert.deepEqual(request?.body, {
    ffmpeg_command: '-i {{in_video}} -t 2.000 -map 0:v:0 -map "0:a:0?" -c:v libx264 -preset veryfast -crf 18 -bf 0 ' +
      "-pix_fmt yuv420p -c:a aac -b:a 192k -movflags +faststart {{out_video}}",
    input_files: { in_video: VIDEO },
    output_files: { out_video: "video.mp4" },
    max_command_run_seconds: 300,
    vcpu_count: 4,
  });
});

Deno.test("several commands are one chained run", async () => {
  const { send, sent } = fakeFetch(() => Response.json({ command_id: ID }));
  const input = { video_url: VIDEO, subtitles_url: `${VIDEO}2`, font_urls: [`${VIDEO}3`] };
  const submission = { ...trim, model: "subtitles", input };
  await createRendiAdapter({ key: "secret", fetch: send }).submit(submission, noTimeout());
  const [request] = sent;
  assert.equal(request?.url, `${API}/run-chained-ffmpeg-commands`);
  const { ffmpeg_commands, ...rest } = z.looseObject({ ffmpeg_commands: z.array(z.string()) }).parse(request.body);
  assert.equal(ffmpeg_commands.length, 2);
  assert.deepEqual(Object.keys(rest), ["input_files", "output_files", "max_command_run_seconds", "vcpu_count"]);
});

Deno.test("an input that no template takes is refused, and nothing is sent", async () => {
  const { send, sent } = fakeFetch(() => Response.json({ command_id: ID }));
  const rendi = createRendiAdapter({ key: "secret", fetch: send });
  const wrong = { ...trim, input: { ...trim.input, seconds: "2; rm -rf" } };
  const error = await errorOf(rendi.submit(wrong, noTimeout()));
  assert.deepEqual([classOf(error), error.facts.notSent], ["rejected provider_rejected_input", true]);
  assert.equal(
    classOf(await errorOf(rendi.submit({ ...trim, model: "x" }, noTimeout()))),
    "rejected provider_model_missing",
  );
  assert.deepEqual(sent, []);
});

const sample = "Account is in Sample mode and cannot run commands on non-sample files";
const REFUSALS: [what: string, status: number, body: unknown, errorClass: ErrorClassText][] = [
  ["a wrong key", 401, { detail: "Invalid authorization key" }, "fatal provider_unauthorized"],
  ["an account for samples", 403, { detail: sample }, "fatal provider_locked"],
  ["a quota that is used up", 403, { detail: "Processing quota exceeded" }, "fatal provider_locked"],
  ["a 403 for another reason", 403, { detail: "Forbidden" }, "rejected provider_unauthorized"],
  ["-y in a command", 400, { detail: "-y is not allowed" }, "rejected provider_rejected_input"],
  ["a bad body", 422, { detail: [{ loc: ["body"], msg: "x", type: "y" }] }, "rejected provider_rejected_input"],
  ["too many requests", 429, { detail: "Rate limit exceeded" }, "retryable provider_busy"],
];

for (const [what, status, body, errorClass] of REFUSALS) {
  Deno.test(`${what} is ${errorClass}`, async () => {
    const { send } = fakeFetch(() => Response.json(body, { status }));
    const error = await errorOf(createRendiAdapter({ key: "secret", fetch: send }).submit(trim, noTimeout()));
    assert.deepEqual([classOf(error), error.mayHaveStarted], [errorClass, false]);
  });
}

async function stateOf(command: Record<string, unknown>): Promise<RunState> {
  const { send } = fakeFetch(() => Response.json({ command_id: ID, ...command }));
  return await createRendiAdapter({ key: "secret", fetch: send }).check(
    { model: "trim", providerJobId: ID },
    noTimeout(),
  );
}

const FAILURES: [error_status: string | null, error_message: string | null, errorClass: ErrorClassText][] = [
  ["UNREACHABLE_INPUT_FILE", "in_video", "retryable input_unavailable"],
  ["TIMEOUT", "Command exceeded its time", "retryable provider_timeout"],
  ["PROCESSING_ERROR", "Out of memory", "retryable provider_error"],
  ["PROCESSING_ERROR", "in.mp4: Invalid data found when processing input", "rejected provider_error"],
  ["PROCESSING_ERROR", "No such filter: 'subtitles'", "rejected provider_error"],
  [null, null, "retryable provider_error"],
];

for (const [error_status, error_message, errorClass] of FAILURES) {
  Deno.test(`a command that failed with ${error_status} and ${error_message} is ${errorClass}`, async () => {
    assert.equal(classOf(failureOf(await stateOf({ status: "FAILED", error_status, error_message }))), errorClass);
  });
}

Deno.test("the file under our alias is what a command made; what it only needed in between is not", async () => {
  const file = (name: string) => ({ storage_url: `https://storage.rendi.dev/files/${name}`, duration: 2 });
  const made = async (output_files: Record<string, unknown>) => await stateOf({ status: "SUCCESS", output_files });
  const subtitles = { out_subtitles: file("subtitles.mkv") };
  const { storage_url } = file("1");
  assert.deepEqual(mediaOf(await made({ ...subtitles, out_video: file("1") })), { video_url: storage_url });
  assert.deepEqual(mediaOf(await made({ out_audio: file("1") })), { audio_url: storage_url });
  assert.deepEqual(mediaOf(await made({ out_image: file("1") })), { image_url: storage_url });
  for (const files of [subtitles, {}, { out_video: null }, { out_video: { storage_url: 5 } }, { out_video: {} }]) {
    assert.equal(classOf(failureOf(await made(files))), "rejected no_media", JSON.stringify(files));
  }
  for (const output_files of [null, [], "x"]) {
    assert.equal(classOf(failureOf(await stateOf({ status: "SUCCESS", output_files }))), "rejected no_media");
  }
});
