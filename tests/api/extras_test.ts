// Voiceover, music and subtitles of any video, and subtitles in the picture.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import {
  download,
  type Generation,
  type GenerationOptions,
  INSTANT,
  simulatorOf,
  startGeneration,
} from "../support/generation.ts";
import { KLING, useWorld } from "../support/harness.ts";
import { assertRefusal } from "../support/refusal.ts";
import { assertNothingLeft, ENDPOINTS, VOICED } from "../support/transition.ts";

const world = useWorld({ falSimulator: INSTANT, veoSimulator: { runMs: 0 } });

const VEO_GOOGLE = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000a";
const MUSIC = { enable_music: true };
const SUBTITLED = { enable_subtitles: true, subtitles: [{ startTime: 0, endTime: 2.5, text: "First <b>" }] };
const DRAWN = { ...SUBTITLED, burn_in: true };
const KLING_TEXT = "fal-ai/kling-video/v3/standard/text-to-video";

interface Made {
  generation: Generation;
  /** What fal accepted for it. */
  endpoints(): string[];
  inputOf(endpoint: string): Record<string, unknown> | undefined;
}

/** Asks for a video with these settings. Tests of a file run one after the other. */
async function start(settings: Record<string, unknown>, options: GenerationOptions = {}): Promise<Made> {
  const before = simulatorOf(world).requests.length;
  const generation = await startGeneration(world, { ...options, body: { settings, ...options.body } });
  const runs = () => simulatorOf(world).requests.slice(before);
  return {
    generation,
    endpoints: () => runs().map(({ endpoint }) => endpoint),
    inputOf: (endpoint) => runs().find((run) => run.endpoint === endpoint)?.input,
  };
}

Deno.test.beforeEach(() => simulatorOf(world).clear());

Deno.test("a generation with every extra is made of the steps of a transition, and is paid for as quoted", async () => {
  const settings = { ...MUSIC, ...VOICED, ...DRAWN };
  const client = createClient(world.url, world.publishableKey);
  const quote = await client.rpc("quote_generation", { p_model_id: KLING, p_settings: settings });
  assert.equal(z.object({ credits: z.number() }).parse(quote.data).credits, 8);

  const { generation, endpoints, inputOf } = await start(settings);
  assert.deepEqual([generation.answer.status, generation.answer.body.credits_used], [200, 8]);
  const { body } = await generation.outcome();
  assert.deepEqual(
    [body.status, body.skipped_extras, body.credits_refunded],
    ["completed", [], 0],
    JSON.stringify(body),
  );
  assert.deepEqual(endpoints(), [
    ENDPOINTS.voiceover,
    ENDPOINTS.music,
    ENDPOINTS.loudness,
    KLING_TEXT,
    ENDPOINTS.mix,
    ENDPOINTS.subtitles,
  ]);
  assert.equal(inputOf(KLING_TEXT)?.generate_audio, false, "only the requested sound is to be heard");
  const { video_url, ...drawn } = inputOf(ENDPOINTS.subtitles) ?? {};
  assert.match(String(video_url), /\/files\/.*output\.mp4$/);
  assert.deepEqual(drawn, {
    preset: "simple",
    srt_content: "1\n00:00:00,000 --> 00:00:02,500\nFirst <\u2060b>\n",
    customization: { position: "bottom", shadow: "mid" },
  });
  assert.match(new TextDecoder().decode(await download(body.subtitles_url)), /First &lt;b&gt;/);
  assert.ok((await download(body.video_url)).length > 10_000);
  assert.deepEqual(await generation.ledger(), [-8]);
  await world.audit();
});

Deno.test("without extras a generation has its own settings alone", async () => {
  const { generation } = await start({ duration: 3 });
  const { settings } = (await generation.poll()).body;
  assert.deepEqual(Object.keys(Object(settings)).sort(), [
    "aspect_ratio",
    "duration",
    "fps",
    "generate_audio",
    "resolution",
  ]);
});

const WRONG: [settings: Record<string, unknown>, path: string, message: string][] = [
  [{ enable_voiceover: true }, "voiceover_text", "required where enable_voiceover is true"],
  [
    { ...VOICED, voiceover_text: "x".repeat(101) },
    "voiceover_text",
    "must be at most 100 characters for a video of 5 seconds",
  ],
  [{ ...VOICED, generate_audio: true }, "generate_audio", "must be false or left out beside voiceover and music"],
  [{ ...MUSIC, music_volume: 101 }, "music_volume", "must be a whole number from 0 to 100"],
  [{ voice_type: "robot" }, "voice_type", "must be one of: male, female, neutral"],
  [{ enable_subtitles: true }, "subtitles", "required where enable_subtitles is true"],
  [{ burn_in: true }, "enable_subtitles", "required where burn_in is true"],
  [{ subtitles: "none" }, "subtitles", "must be a list"],
  [
    { subtitles: [{ startTime: 0, endTime: 6, text: "Late" }] },
    "subtitles.0.endTime",
    "must not be after the end of the video",
  ],
  [
    { ...DRAWN, subtitles: [{ startTime: 0, endTime: 1, text: "한" }] },
    "subtitles.0.text",
    "must not have characters that cannot be drawn into the picture: 한",
  ],
  [{ deliver_without: ["video"] }, "deliver_without.0", "must be one of: music, voiceover, subtitles"],
  [{ duration: [5] }, "duration", "must be text, a number, true or false"],
];

for (const [settings, path, message] of WRONG) {
  Deno.test(`a generation with ${JSON.stringify(settings).slice(0, 60)} is refused and not charged`, async () => {
    const { generation } = await start(settings);
    assertRefusal(generation.answer, {
      status: 400,
      code: "validation_failed",
      fields: { issues: [{ path: `settings.${path}`, message }] },
    });
    assert.equal(await world.balance(generation.user), 100);
  });
}

Deno.test("a voice that is refused while the user waits is given back, where the video may do without it", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.voiceover }, { submit: "404" });
  const { generation, endpoints } = await start({ ...VOICED, deliver_without: ["voiceover"] });
  assert.deepEqual([generation.answer.status, generation.answer.body.status], [200, "pending"]);
  assert.deepEqual(endpoints(), [KLING_TEXT], "the picture is submitted at once");
  const { body } = await generation.outcome();
  assert.deepEqual([body.status, body.skipped_extras, body.credits_refunded], ["completed", ["voiceover"], 1]);
  assert.deepEqual(await generation.ledger(), [-6, 1]);
  await world.audit();
});

Deno.test("a voice that is refused while the user waits is a refund where the video needs it", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.voiceover }, { submit: "404" });
  const { generation, endpoints } = await start(VOICED);
  assert.deepEqual([generation.answer.status, generation.answer.body.code], [500, "provider_failed"]);
  assert.deepEqual([endpoints(), await world.balance(generation.user)], [[], 100]);
  await world.audit();
});

/** Lets the tool take a file, as rendi's does. */
async function withFiles(work: () => Promise<void>): Promise<void> {
  const [tool] = await world.sql`select input from pipeline_tools where step = 'subtitles' and provider = 'fal'`;
  const input = { preset: "simple", subtitles_url: { from: "ass" }, font_urls: { from: "font_urls" } };
  const video_url = { from: "video" };
  const write = (value: unknown) =>
    world.sql`update pipeline_tools set input = ${world.sql.json(JSON.parse(JSON.stringify(value)))}
      where step = 'subtitles' and provider = 'fal'`;
  await write({ ...input, video_url });
  try {
    await work();
  } finally {
    await write(tool?.input);
  }
}

Deno.test("a tool that takes a file gets a signed address of it, and of the fonts; it is deleted with the job", async () => {
  await withFiles(async () => {
    const subtitles = [{ startTime: 0.5, endTime: 2, text: "{\\b1}Işık\nそら" }];
    const { generation, inputOf } = await start({ ...DRAWN, subtitles, subtitle_style: "bold" });
    assert.equal((await generation.outcome()).body.status, "completed");
    const { subtitles_url, font_urls } = inputOf(ENDPOINTS.subtitles) ?? {};
    const { pathname } = new URL(String(subtitles_url));
    assert.ok(pathname.endsWith(`/videos/${generation.user.id}/${generation.jobId}.ass`), pathname);
    const text = new TextDecoder().decode(await download(subtitles_url));
    assert.ok(
      text.endsWith(
        "0:00:00.50,0:00:02.00,Default,,0,0,0,,\\{\\\u2060b1\\}Işık\\N{\\fnNoto Sans JP}そら{\\fnNoto Sans}\n",
      ),
      text,
    );
    assert.deepEqual(
      z.array(z.string()).parse(font_urls).map((url) => url.split("/").at(-1)),
      ["NotoSans_700Bold.ttf", "NotoSansJP_700Bold.ttf"],
    );
    const deleted = await world.call("videos", {
      method: "DELETE",
      user: generation.user,
      body: { job_ids: [generation.jobId] },
    });
    assert.deepEqual(deleted.body.deleted, [generation.jobId]);
    await assertNothingLeft(world, generation.jobId);
  });
});

Deno.test("a job that fails after its subtitles were written leaves no file", async () => {
  await withFiles(async () => {
    simulatorOf(world).script({ endpoint: ENDPOINTS.subtitles }, { outcome: "file_download_error" });
    const { generation } = await start(DRAWN);
    const { body } = await generation.outcome();
    assert.deepEqual([body.status, body.credits_refunded], ["failed", 6]);
    const files = await world.sql`select name from storage.objects where name like ${`%${generation.jobId}%`}`;
    assert.deepEqual(files.map(({ name }) => name), []);
    await world.audit();
  });
});

Deno.test("the steps after a model whose files only we can open get our own copy", async () => {
  const { generation, inputOf } = await start({ ...MUSIC, ...DRAWN }, { body: { model_id: VEO_GOOGLE } });
  assert.equal((await generation.outcome()).body.status, "completed");
  const own = (url: unknown) =>
    assert.match(new URL(String(url)).pathname, new RegExp(`/object/sign/videos/.*${generation.jobId}\\.mp4$`));
  const mix = z.object({ tracks: z.array(z.object({ keyframes: z.array(z.object({ url: z.string() })) })) });
  own(mix.parse(inputOf(ENDPOINTS.mix)).tracks[0]?.keyframes[0]?.url);
  own(inputOf(ENDPOINTS.subtitles)?.video_url);
  await world.audit();
});
