// Whatever comes in, a command of Rendi is one of the templates.
import assert from "node:assert/strict";
import fc from "fast-check";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider.ts";
import { requestOf } from "../../supabase/functions/_shared/providers/rendi/rendi-commands.ts";
import { isTemplate } from "../../local/simulators/rendi/command.ts";

const url = fc.webUrl({ withQueryParameters: true, withFragments: true });
const urls = (minLength: number) => fc.array(url, { minLength, maxLength: 20 });
const seconds = fc.double({ min: 0.1, max: 3600, noNaN: true });
const inputs: fc.Arbitrary<[string, Record<string, unknown>]> = fc.oneof(
  fc.tuple(fc.constant("trim"), fc.record({ video_url: url, seconds })),
  fc.tuple(fc.constant("join"), fc.record({ video_urls: urls(2) })),
  fc.tuple(
    fc.constant("loudness"),
    fc.record({ audio_url: url, loudness: fc.double({ min: -70, max: -5, noNaN: true }) }),
  ),
  fc.tuple(fc.constant("mix"), fc.record({ video_url: url, audio_urls: urls(1), seconds })),
  fc.tuple(fc.constant("frame"), fc.record({ video_url: url, frame: fc.constantFrom("first", "last") })),
  fc.tuple(fc.constant("subtitles"), fc.record({ video_url: url, subtitles_url: url, font_urls: urls(1) })),
);

Deno.test("whatever numbers and addresses come, a command has its alphabet and its files, and no address", () => {
  fc.assert(fc.property(inputs, ([name, input]) => {
    const request = requestOf(name, input);
    const { commands, inputFiles, outputFiles } = request;
    assert.ok(isTemplate(request));
    const text = commands.join("\n");
    assert.match(text, /^[A-Za-z0-9 _.,:;=+*/()[\]{}"?\n-]+$/);
    assert.doesNotMatch(
      text,
      /(^| )-y( |$)|lavfi|movie=|drawtext|textfile|_script|file:|http|pipe:|NaN|Infinity|\de[+-]?\d/m,
    );
    const used = new Set([...text.matchAll(/\{\{(\w+)\}\}/g)].map(([, alias]) => alias));
    assert.deepEqual([...used].sort(), [...Object.keys(inputFiles), ...Object.keys(outputFiles)].sort());
    const given = Object.values(input).flat().filter((value) => typeof value === "string" && value.includes("://"));
    assert.deepEqual(Object.values(inputFiles).sort(), given.sort());
    for (const alias of [...Object.keys(inputFiles), ...Object.keys(outputFiles)]) {
      assert.match(alias, /^(in|out)_\w+$/);
    }
  }));
});

Deno.test("whatever comes as an input, it is a request or a refusal", () => {
  const name = fc.constantFrom("trim", "join", "loudness", "mix", "frame", "subtitles");
  fc.assert(fc.property(name, fc.jsonValue(), (name, input) => {
    assert.throws(() => requestOf(name, input), ProviderError);
  }));
});
