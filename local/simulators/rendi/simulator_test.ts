import assert from "node:assert/strict";
import { z } from "zod";
import { requestOf } from "../../../supabase/functions/_shared/providers/rendi/rendi-commands.ts";
import { wordsOf } from "./command.ts";
import { type RendiSimulator, startRendiSimulator } from "./simulator.ts";

const VIDEO = "https://files.example/1.mp4";

interface Answer {
  status: number;
  body: unknown;
}

interface Bench {
  simulator: RendiSimulator;
  pass(milliseconds: number): Promise<void>;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  run(changes?: Record<string, unknown>, path?: string): Promise<Answer>;
}

async function withSimulator(test: (bench: Bench) => Promise<void>): Promise<void> {
  let time = Date.UTC(2026, 10, 1);
  const simulator = await startRendiSimulator({ now: () => time, queueMs: 1000, runMs: 2000 });
  const call: Bench["call"] = async (method, path, body) => {
    const response = await fetch(`${simulator.baseUrl}/${path}`, {
      method,
      headers: { "x-api-key": simulator.key },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, body: await response.json() };
  };
  try {
    await test({
      simulator,
      call,
      async pass(milliseconds) {
        time += milliseconds;
        await simulator.tick();
      },
      run: (changes = {}, path = "run-ffmpeg-command") => call("POST", path, { ...trimBody(), ...changes }),
    });
  } finally {
    await simulator.stop();
  }
}

function trimBody(): Record<string, unknown> {
  const { commands, inputFiles, outputFiles } = requestOf("trim", { video_url: VIDEO, seconds: 2 });
  return { ffmpeg_command: commands[0], input_files: inputFiles, output_files: outputFiles };
}

const idOf = ({ body }: Answer) => z.object({ command_id: z.uuid() }).parse(body).command_id;
const stateOf = ({ body }: Answer) => z.object({ status: z.string() }).parse(body).status;

Deno.test("a command waits, runs and ends with a file that plays, until its files are deleted", async () => {
  await withSimulator(async ({ call, run, pass }) => {
    const id = idOf(await run({ vcpu_count: 4, max_command_run_seconds: 60 }));
    const status = async () => await call("GET", `commands/${id}`);
    assert.equal(stateOf(await status()), "QUEUED");
    await pass(1000);
    assert.equal(stateOf(await status()), "PROCESSING");
    await pass(2000);
    const { body } = await status();
    const { output_files } = z.object({ output_files: z.object({ out_video: z.object({ storage_url: z.url() }) }) })
      .parse(body);
    const address = output_files.out_video.storage_url;
    const part = await fetch(address, { headers: { range: "bytes=0-99" } });
    assert.deepEqual([part.status, (await part.arrayBuffer()).byteLength], [206, 100]);
    assert.equal((await call("DELETE", `commands/${id}/files`)).status, 200);
    const deleted = await fetch(address);
    await deleted.body?.cancel();
    assert.equal(deleted.status, 404);
    assert.deepEqual(await call("GET", "commands"), {
      status: 200,
      body: [{ id, status: "SUCCESS", created_at: "2026-11-01T00:00:00.000Z" }],
    });
    await pass(3_600_000);
    assert.equal((await status()).status, 404);
  });
});

const command = String(trimBody().ffmpeg_command);
const REFUSED: [what: string, changes: Record<string, unknown>, status: number][] = [
  ["-y", { ffmpeg_command: `-y ${command}` }, 400],
  ["an open quote", { ffmpeg_command: `${command} "` }, 400],
  ["an alias without its prefix", { input_files: { video: VIDEO } }, 422],
  ["an alias that is not known", { ffmpeg_command: command.replace("in_video", "in_other") }, 422],
  ["an alias that is not used", { input_files: { in_video: VIDEO, in_other: VIDEO } }, 422],
  ["an output with a path", { output_files: { out_video: "../video.mp4" } }, 422],
  ["an input that is no address", { input_files: { in_video: "file:///etc/passwd" } }, 422],
  ["another command", { ffmpeg_command: "-i {{in_video}} {{out_video}}" }, 422],
  ["a number that is none of ours", { ffmpeg_command: command.replace("2.000", "2") }, 422],
  ["an unknown field", { webhook: VIDEO }, 422],
  ["no time", { max_command_run_seconds: 0 }, 422],
  ["several commands for a single one", { ffmpeg_commands: [command] }, 422],
];

for (const [what, changes, status] of REFUSED) {
  Deno.test(`a submission with ${what} is a ${status}`, async () => {
    await withSimulator(async ({ run, simulator }) => {
      assert.equal((await run(changes)).status, status);
      assert.deepEqual([simulator.submissions, simulator.commands.length], [1, 0]);
    });
  });
}

Deno.test("every template is accepted, and without the key nothing is", async () => {
  await withSimulator(async ({ call, simulator }) => {
    for (
      const [name, input] of [
        ["trim", { video_url: VIDEO, seconds: 2.5 }],
        ["join", { video_urls: [VIDEO, VIDEO, VIDEO] }],
        ["loudness", { audio_url: VIDEO, loudness: -20 }],
        ["mix", { video_url: VIDEO, audio_urls: [VIDEO, VIDEO], seconds: 5 }],
        ["frame", { video_url: VIDEO, frame: "last" }],
        ["subtitles", { video_url: VIDEO, subtitles_url: VIDEO, font_urls: [VIDEO] }],
      ] as const
    ) {
      const { commands, inputFiles, outputFiles } = requestOf(name, input);
      const body = { input_files: inputFiles, output_files: outputFiles };
      const answer = commands.length === 1
        ? await call("POST", "run-ffmpeg-command", { ffmpeg_command: commands[0], ...body })
        : await call("POST", "run-chained-ffmpeg-commands", { ffmpeg_commands: commands, ...body });
      assert.equal(answer.status, 200, name);
    }
    const refused = await fetch(`${simulator.baseUrl}/run-ffmpeg-command`, { method: "POST", body: "{}" });
    assert.deepEqual([refused.status, await refused.json()], [401, { detail: "Invalid authorization key" }]);
  });
});

Deno.test("the name of a file says what goes wrong", async () => {
  await withSimulator(async ({ call, run, pass }) => {
    const input_files = { in_video: `${VIDEO}?${encodeURIComponent("[rendi: unreachable]")}` };
    const id = idOf(await run({ input_files }));
    await pass(1000);
    await pass(2000);
    const { body } = await call("GET", `commands/${id}`);
    assert.equal(z.object({ error_status: z.string() }).parse(body).error_status, "UNREACHABLE_INPUT_FILE");
  });
});

Deno.test("a command is split into words at spaces, but not between double quotes", () => {
  assert.deepEqual(wordsOf('-i a  -vf "b c,d"e "" f'), ["-i", "a", "-vf", "b c,de", "", "f"]);
  assert.equal(wordsOf('-i "a'), null);
  assert.deepEqual(wordsOf(""), []);
});
