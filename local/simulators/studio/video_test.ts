import assert from "node:assert/strict";
import { settingsText } from "./video.ts";

Deno.test("the picture says its settings rounded, and of sound only where the model makes it", () => {
  const request = { model: "m", prompt: "p", seconds: 31 / 24, width: 832, height: 480, framesPerSecond: 24 };
  assert.equal(settingsText({ ...request, hasSound: false }), "1.29 s · 832×480 · 24 fps");
  assert.equal(
    settingsText({ ...request, seconds: 5, framesPerSecond: 30_000 / 1001, hasSound: true }),
    "5 s · 832×480 · 29.97 fps · with sound",
  );
});
