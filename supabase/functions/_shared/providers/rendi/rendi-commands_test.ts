// The text of every command, and what is never sent.
import assert from "node:assert/strict";
import { ProviderError } from "../provider.ts";
import { checked, type RendiRequest, requestOf } from "./rendi-commands.ts";

const URL_1 = "https://files.example/1.mp4?token=a%20b";
const URL_2 = "https://files.example/2.mp4";
const URL_3 = "https://files.example/3";
const ENCODED = "-c:v libx264 -preset veryfast -crf 18 -bf 0 -pix_fmt yuv420p";

const EXAMPLES: [name: string, input: Record<string, unknown>, request: RendiRequest][] = [
  ["trim", { video_url: URL_1, seconds: 2 }, {
    commands: [
      `-i {{in_video}} -t 2.000 -map 0:v:0 -map "0:a:0?" ${ENCODED} -c:a aac -b:a 192k -movflags +faststart {{out_video}}`,
    ],
    inputFiles: { in_video: URL_1 },
    outputFiles: { out_video: "video.mp4" },
  }],
  ["join", { video_urls: [URL_1, URL_2] }, {
    commands: [
      '-i {{in_video_1}} -i {{in_video_2}} -filter_complex "[0:v:0][1:v:0]concat=n=2:v=1:a=0:unsafe=1,' +
      `scale=iw:ih:eval=init,setsar=1,format=yuv420p[video]" -map "[video]" ${ENCODED} -movflags +faststart {{out_video}}`,
    ],
    inputFiles: { in_video_1: URL_1, in_video_2: URL_2 },
    outputFiles: { out_video: "video.mp4" },
  }],
  ["loudness", { audio_url: URL_1, loudness: -20 }, {
    commands: [
      '-i {{in_audio}} -map 0:a:0 -af "loudnorm=I=-20.000:TP=-1.500:LRA=11.000,aresample=48000,' +
      'loudnorm=I=-20.000:TP=-1.500:LRA=11.000,aresample=48000,aformat=channel_layouts=stereo" ' +
      "-c:a libmp3lame -b:a 192k {{out_audio}}",
    ],
    inputFiles: { in_audio: URL_1 },
    outputFiles: { out_audio: "audio.mp3" },
  }],
  ["mix", { video_url: URL_1, audio_urls: [URL_2, URL_3], seconds: 12.5 }, {
    commands: [
      '-i {{in_video}} -i {{in_audio_1}} -i {{in_audio_2}} -filter_complex "' +
      "[1:a:0]aresample=48000,aformat=channel_layouts=stereo[track1];" +
      "[2:a:0]aresample=48000,aformat=channel_layouts=stereo[track2];" +
      "[track1][track2]amix=inputs=2:duration=longest:normalize=0,alimiter=limit=0.950:level=0,apad," +
      'atrim=duration=12.500[sound]" -map 0:v:0 -map "[sound]" -c:v copy -c:a aac -b:a 192k -t 12.500 ' +
      "-movflags +faststart {{out_video}}",
    ],
    inputFiles: { in_video: URL_1, in_audio_1: URL_2, in_audio_2: URL_3 },
    outputFiles: { out_video: "video.mp4" },
  }],
  ["frame", { video_url: URL_1, frame: "first" }, {
    commands: [
      "-i {{in_video}} -map 0:v:0 -frames:v 1 -update 1 -threads 1 -pix_fmt yuvj420p -huffman default -q:v 2 {{out_image}}",
    ],
    inputFiles: { in_video: URL_1 },
    outputFiles: { out_image: "frame.jpg" },
  }],
  ["frame", { video_url: URL_1, frame: "last" }, {
    commands: [
      "-sseof -3.000 -i {{in_video}} -map 0:v:0 -update 1 -threads 1 -pix_fmt yuvj420p -huffman default -q:v 2 {{out_image}}",
    ],
    inputFiles: { in_video: URL_1 },
    outputFiles: { out_image: "frame.jpg" },
  }],
  ["subtitles", { video_url: URL_1, subtitles_url: URL_2, font_urls: [URL_3, URL_3] }, {
    commands: [
      "-i {{in_subtitles}} -attach {{in_font_1}} -attach {{in_font_2}} " +
      "-metadata:s:t mimetype=application/x-truetype-font -c:s copy {{out_subtitles}}",
      `-i {{in_video}} -map 0:v:0 -map "0:a:0?" -vf "subtitles={{out_subtitles}}" ${ENCODED} -c:a copy ` +
      "-movflags +faststart {{out_video}}",
    ],
    inputFiles: { in_video: URL_1, in_subtitles: URL_2, in_font_1: URL_3, in_font_2: URL_3 },
    outputFiles: { out_subtitles: "subtitles.mkv", out_video: "video.mp4" },
  }],
];

for (const [name, input, request] of EXAMPLES) {
  Deno.test(`the request for ${name} of ${Object.keys(input)} (${input.frame ?? "plain"}) is this one`, () => {
    assert.deepEqual(requestOf(name, input), request);
  });
}

function refusalOf(name: string, input: unknown): string {
  try {
    return assert.fail(`no refusal but ${JSON.stringify(requestOf(name, input))}`);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    assert.deepEqual([error.mayHaveStarted, error.facts.notSent], [false, true]);
    return `${error.kind} ${error.code}`;
  }
}

Deno.test("an input with a missing, wrong or additional field is refused before anything is sent", () => {
  for (const [name, input] of EXAMPLES) {
    for (const field of Object.keys(input)) {
      const { [field]: _, ...rest } = input;
      for (
        const wrong of [rest, { ...input, [field]: null }, { ...input, [field]: {} }, { ...input, [field]: "x y" }]
      ) {
        assert.equal(refusalOf(name, wrong), "rejected provider_rejected_input", `${name} ${JSON.stringify(wrong)}`);
      }
    }
    assert.equal(refusalOf(name, { ...input, more: 1 }), "rejected provider_rejected_input");
    assert.equal(refusalOf(name, null), "rejected provider_rejected_input");
  }
  for (
    const [name, input] of [
      ["trim", { video_url: "ftp://files.example/1.mp4", seconds: 2 }],
      ["trim", { video_url: URL_1, seconds: Infinity }],
      ["trim", { video_url: URL_1, seconds: 3601 }],
      ["loudness", { audio_url: URL_1, loudness: -4.9 }],
      ["join", { video_urls: [URL_1] }],
      ["mix", { video_url: URL_1, audio_urls: [], seconds: 2 }],
      ["subtitles", { video_url: URL_1, subtitles_url: URL_2, font_urls: [] }],
    ] as const
  ) {
    assert.equal(refusalOf(name, input), "rejected provider_rejected_input", `${name} ${JSON.stringify(input)}`);
  }
});

Deno.test("a template that does not exist is missing", () => {
  for (const name of ["", "cut", "constructor", "fal-ai/ffmpeg-api/compose"]) {
    assert.equal(refusalOf(name, {}), "rejected provider_model_missing");
  }
});

const BAD_COMMANDS = [
  "-i {{in_video}} -y {{out_video}}",
  "-y -i {{in_video}} {{out_video}}",
  "-f lavfi -i {{in_video}} {{out_video}}",
  '-i {{in_video}} -vf "movie=1.mp4" {{out_video}}',
  '-i {{in_video}} -af "amovie=1.mp4" {{out_video}}',
  '-i {{in_video}} -vf "drawtext=text=a" {{out_video}}',
  "-i {{in_video}} -filter_script 1.txt {{out_video}}",
  "-i file:1.mp4 -i {{in_video}} {{out_video}}",
  "-i https://files.example/1.mp4 -i {{in_video}} {{out_video}}",
  "-i pipe:0 -i {{in_video}} {{out_video}}",
  "-i {{in_video}} -metadata title='a' {{out_video}}",
  "-i {{in_video}} $HOME {{out_video}}",
  "-i {{in_video}} `id` {{out_video}}",
  "-i {{in_video}} | {{out_video}}",
  "-i {{in_video}} \\{{out_video}}",
  "-i {{in_video}} \n{{out_video}}",
  "-i {{in_video}} -metadata title=é {{out_video}}",
  "-i {{in_video}} -i {{in_other}} {{out_video}}",
  "-i {{in_video}} video.mp4",
  "-i {{out_video}}",
  "",
];

for (const command of BAD_COMMANDS) {
  Deno.test(`a command is not sent if it is ${JSON.stringify(command)}`, () => {
    const files = { inputFiles: { in_video: URL_1 }, outputFiles: { out_video: "video.mp4" } };
    const good = "-i {{in_video}} {{out_video}}";
    assert.ok(checked({ ...files, commands: [good] }));
    assert.throws(() => checked({ ...files, commands: [command] }), ProviderError);
  });
}
