// Each option of a transition changes what the providers are sent, and what the user is charged.
import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import { download, INSTANT } from "../support/generation.ts";
import { useWorld } from "../support/harness.ts";
import {
  assertDelivered,
  ENDPOINTS,
  PLAIN,
  resultOf,
  startTransition,
  SUBTITLED,
  type Transition,
  VOICED,
  WHOLE,
} from "../support/transition.ts";

const world = useWorld({ falSimulator: INSTANT });

const KLING_TRANSITION = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000e";
const VEO_TRANSITION = "6f1d3c52-0b0e-4c53-9d5a-2f6f5b1a000f";
const MUSIC = { enable_music: true };

/** The addresses of what a step made, in order. */
function filesOf(transition: Transition, step: keyof typeof ENDPOINTS, name: string): string[] {
  return transition.runsOf(step).map(({ id }) => `${world.falSimulator?.url}/files/${id}/${name}`);
}

const PHRASES: Record<string, string> = {
  FADE: "The first image fades smoothly into the last.",
  SLIDE: "The last image slides in and pushes the first one out.",
  ZOOM: "The camera zooms through the first image into the last.",
  WIPE: "A wipe uncovers the last image across the first.",
  MORPH: "The first image morphs continuously into the last.",
  BLUR: "The first image blurs out of focus, and the last comes into focus.",
  ROTATE: "The camera rotates from the first image to the last.",
  ENERGETIC: "A fast, energetic move with whip pans from the first image to the last.",
  CALM: "A slow, calm move from the first image to the last.",
};

for (const [type, phrase] of Object.entries(PHRASES)) {
  Deno.test(`the transition type ${type}, in any case, becomes words of the prompt`, async () => {
    for (const written of [type, type.toLowerCase(), `${type[0]}${type.slice(1).toLowerCase()}`]) {
      const { runs } = await startTransition(world, { body: { ...PLAIN, transition_type: written } });
      assert.deepEqual(runs().map(({ endpoint, input }) => ({ endpoint, input })), [{
        endpoint: ENDPOINTS.generate,
        input: {
          prompt: `Dynamic video transition ${phrase}`,
          start_image_url: PLAIN.front_image,
          end_image_url: PLAIN.tail_image,
          duration: "5",
          generate_audio: false,
        },
      }]);
    }
  });
}

Deno.test("without a type the first image morphs into the last", async () => {
  const { runs } = await startTransition(world, { body: PLAIN });
  assert.equal(runs()[0]?.input.prompt, `Dynamic video transition ${PHRASES.MORPH}`);
});

Deno.test("Veo makes a transition too, with its own field names", async () => {
  const body = { ...PLAIN, model_id: VEO_TRANSITION, duration: 8, transition_type: "FADE" };
  const transition = await startTransition(world, { body });
  assert.deepEqual(transition.runs().map(({ endpoint, input }) => ({ endpoint, input })), [{
    endpoint: "fal-ai/veo3.1/fast/first-last-frame-to-video",
    input: {
      prompt: `Dynamic video transition ${PHRASES.FADE}`,
      first_frame_url: PLAIN.front_image,
      last_frame_url: PLAIN.tail_image,
      duration: "8s",
      generate_audio: false,
    },
  }]);
  await assertDelivered(world, transition, await transition.outcome(), 16);
});

for (const [voice_type, voice] of [["male", "am_michael"], ["female", "af_heart"], ["neutral", "af_alloy"]] as const) {
  Deno.test(`a ${voice_type} voice speaks the text and is laid under the video`, async () => {
    const transition = await startTransition(world, { body: { ...PLAIN, ...VOICED, voice_type } });
    await assertDelivered(world, transition, await transition.outcome(), 6);
    assert.deepEqual(transition.runsOf("voiceover").map(({ input }) => input), [{ prompt: "Hello there", voice }]);
    assert.deepEqual(transition.runsOf("mix").map(({ input }) => input), [{
      tracks: [
        track("video", "video", filesOf(transition, "generate", "output.mp4")),
        track("voiceover", "audio", filesOf(transition, "voiceover", "output.mp3")),
      ],
    }]);
  });
}

function track(id: string, type: string, [url]: string[], seconds = 5) {
  return { id, type, keyframes: [{ url, timestamp: 0, duration: seconds * 1000 }] };
}

const MUSIC_TYPES: Record<string, string> = {
  ambient: "Slow ambient pads, soft and spacious, instrumental",
  upbeat: "Upbeat pop with bright guitars and claps, instrumental",
  cinematic: "Cinematic orchestral build-up with strings and drums, instrumental",
  calm: "Calm solo piano, warm and quiet, instrumental",
  energetic: "Energetic electronic dance with driving drums, instrumental",
};

for (const [music_type, prompt] of Object.entries(MUSIC_TYPES)) {
  Deno.test(`${music_type} music is as long as the video and is laid under it`, async () => {
    const transition = await startTransition(world, { body: { ...PLAIN, ...MUSIC, music_type, duration: 7 } });
    await assertDelivered(world, transition, await transition.outcome(), 8);
    assert.deepEqual(transition.runsOf("music").map(({ input }) => input), [{ prompt, seconds_total: 7 }]);
    assert.deepEqual(transition.runsOf("mix").map(({ input }) => input), [{
      tracks: [
        track("video", "video", filesOf(transition, "generate", "output.mp4"), 7),
        track("music", "audio", filesOf(transition, "loudness", "output.mp3"), 7),
      ],
    }]);
  });
}

for (const [volume, lufs] of [[100, -14], [50, -20], [25, -26], [1, -54]] as const) {
  Deno.test(`music at ${volume} percent is brought to ${lufs} LUFS`, async () => {
    const transition = await startTransition(world, { body: { ...PLAIN, ...MUSIC, music_volume: volume } });
    await transition.outcome();
    assert.deepEqual(transition.runsOf("loudness").map(({ input }) => input), [{
      audio_url: filesOf(transition, "music", "output.mp3")[0],
      integrated_loudness: lufs,
    }]);
  });
}

Deno.test("music at no volume is none, and costs nothing", async () => {
  const transition = await startTransition(world, { body: { ...PLAIN, ...MUSIC, music_volume: 0 } });
  await assertDelivered(world, transition, await transition.outcome(), 5);
  assert.deepEqual(transition.runs().map(({ endpoint }) => endpoint), [ENDPOINTS.generate]);
});

Deno.test("voice and music come together under the video, which is what is delivered", async () => {
  const transition = await startTransition(world);
  const { video_url } = await assertDelivered(world, transition, await transition.outcome());
  assert.deepEqual(transition.runs().map(({ endpoint }) => endpoint), [
    ENDPOINTS.voiceover,
    ENDPOINTS.music,
    ENDPOINTS.loudness,
    ENDPOINTS.generate,
    ENDPOINTS.mix,
  ]);
  assert.deepEqual(transition.runsOf("mix")[0]?.input, {
    tracks: [
      track("video", "video", filesOf(transition, "generate", "output.mp4")),
      track("voiceover", "audio", filesOf(transition, "voiceover", "output.mp3")),
      track("music", "audio", filesOf(transition, "loudness", "output.mp3")),
    ],
  });
  assert.equal(transition.runsOf("mix")[0]?.calls.file, 2, "the mix and its thumbnail were not what was copied");
  assert.ok((await download(video_url)).length > 10_000);
});

Deno.test("options that are switched off have no effect, whatever their other fields say", async () => {
  const body = { ...WHOLE, enable_music: false, enable_voiceover: false, enable_subtitles: false, voice_type: "male" };
  const transition = await startTransition(world, { body });
  const result = await assertDelivered(world, transition, await transition.outcome(), 5);
  assert.equal(transition.runs().length, 1);
  assert.equal(result.subtitles_url, null);
});

/** Each length, the seconds of its parts, and its price. */
const LENGTHS: [seconds: number, parts: string[], price: number][] = [
  [1, ["3"], 3],
  [2, ["3"], 3],
  [3, ["3"], 3],
  [15, ["15"], 15],
  [16, ["8", "8"], 16],
  [31, ["10", "10", "11"], 31],
  [60, ["15", "15", "15", "15"], 60],
];

for (const [duration, parts, price] of LENGTHS) {
  Deno.test(`${duration} seconds are made of parts of ${parts.join(", ")} seconds for ${price} credits`, async () => {
    const transition = await startTransition(world, { body: { ...PLAIN, duration } });
    const { duration: delivered } = await assertDelivered(world, transition, await transition.outcome(), price);
    assert.equal(delivered, duration);
    const videos = filesOf(transition, "generate", "output.mp4");
    const frames = filesOf(transition, "frame", "frame.jpg");
    assert.deepEqual(
      transition.runsOf("generate").map(({ input }) => [input.duration, input.start_image_url, input.end_image_url]),
      parts.map((seconds, index) => [
        seconds,
        [PLAIN.front_image, ...frames][index],
        index === parts.length - 1 ? PLAIN.tail_image : undefined,
      ]),
    );
    const one = parts.length === 1;
    assert.deepEqual(
      transition.runsOf("frame").map(({ input }) => input),
      videos.slice(0, -1).map((video_url) => ({ video_url, frame_type: "last" })),
    );
    assert.deepEqual(transition.runsOf("join").map(({ input }) => input), one ? [] : [{ video_urls: videos }]);
    assert.deepEqual(
      transition.runsOf("trim").map(({ input }) => input),
      duration < 3 ? [{ video_url: videos[0], start_time: 0, end_time: duration }] : [],
    );
  });
}

Deno.test("sound is laid under the joined parts of a long video, in its whole length", async () => {
  const transition = await startTransition(world, { body: { ...WHOLE, duration: 31 } });
  await assertDelivered(world, transition, await transition.outcome(), 33);
  assert.deepEqual(transition.runsOf("mix")[0]?.input, {
    tracks: [
      track("video", "video", filesOf(transition, "join", "output.mp4"), 31),
      track("voiceover", "audio", filesOf(transition, "voiceover", "output.mp3"), 31),
      track("music", "audio", filesOf(transition, "loudness", "output.mp3"), 31),
    ],
  });
});

Deno.test("the quote is the charge, for each combination of extras and lengths", async () => {
  const client = createClient(world.url, world.publishableKey);
  for (const duration of [1, 5, 31]) {
    for (let bits = 0; bits < 16; bits++) {
      const extras = {
        duration,
        ...(bits & 1 ? MUSIC : {}),
        ...(bits & 2 ? VOICED : {}),
        ...(bits & 4 ? { enable_subtitles: true, subtitles: [{ startTime: 0, endTime: 1, text: "One" }] } : {}),
        ...(bits & 8 ? { music_volume: 0 } : {}),
      };
      const quote = await client.rpc("quote_generation", { p_model_id: KLING_TRANSITION, p_settings: extras });
      const { credits } = z.object({ credits: z.number() }).parse(quote.data);
      const { answer, ledger } = await startTransition(world, { body: { ...PLAIN, ...extras } });
      assert.deepEqual([answer.body.credits_used, await ledger()], [credits, [-credits]], JSON.stringify(extras));
      const music = bits & 1 && !(bits & 8) ? 1 : 0;
      assert.equal(credits, Math.max(3, duration) + music + (bits & 2 ? 1 : 0));
    }
  }
});

Deno.test("the subtitles are stored beside the video, private, in the style and place asked for", async () => {
  const body = { ...PLAIN, ...SUBTITLED, subtitle_style: "bold", subtitle_position: "top" };
  const transition = await startTransition(world, { body });
  const { subtitles_url } = resultOf(await transition.outcome());
  assert.equal(
    new TextDecoder().decode(await download(subtitles_url)),
    "WEBVTT\n\nSTYLE\n::cue { color: white; font-weight: bold; background-color: rgba(0, 0, 0, 0.6); }\n\n" +
      "00:00:00.000 --> 00:00:02.500 line:5%,start\nFirst subtitle\n",
  );
  const response = await fetch(String(subtitles_url));
  await response.body?.cancel();
  assert.match(response.headers.get("content-type") ?? "", /^text\/vtt/);
  const unsigned = await fetch(
    `${world.url}/storage/v1/object/public/videos/${transition.user.id}/${transition.taskId}.vtt`,
  );
  await unsigned.body?.cancel();
  assert.notEqual(unsigned.status, 200);
});
