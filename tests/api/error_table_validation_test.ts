import assert from "node:assert/strict";
import { KLING, KLING_IMAGE, type TestUser, useWorld, VEO } from "../support/harness.ts";
import { assertRefusal, assertRefusedFreely, GOOD_BODY } from "../support/refusal.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld();
// Each refusal is followed by a job that proves its key free.
Deno.test.beforeAll(async () => void await world.sql`update app_settings set active_jobs_per_user = 1000`);

const IMAGE = "https://example.com/lighthouse.png";

type Issue = { path: string; message: string };

/** Fails unless the body is refused with exactly these issues, free of charge. */
async function assertInvalid(user: TestUser, body: object, issues: Issue[]): Promise<void> {
  await assertRefusedFreely(world, user, { body: { ...GOOD_BODY, ...body } }, {
    status: 400,
    code: "validation_failed",
    fields: { issues },
  });
}

/** Fails unless the body is accepted. */
async function assertTaken(user: TestUser, body: object): Promise<void> {
  const answer = await world.generate(user, { body: { ...GOOD_BODY, ...body } });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
}

Deno.test("an unknown field is refused by its name", async () => {
  const user = await world.newUser(100);
  const unknown = (path: string) => ({ path, message: "not a field of this request" });
  await assertInvalid(user, { webhook: "https://example.com" }, [unknown("webhook")]);
  await assertInvalid(user, { a: 1, B: null, "": [] }, ["a", "B", ""].map(unknown));
  await assertInvalid(
    user,
    JSON.parse('{ "__proto__": 1, "constructor": 2 }'),
    ["__proto__", "constructor"].map(unknown),
  );
});

Deno.test("a field of the wrong type is refused by its name", async () => {
  const user = await world.newUser(200);
  const wrong: [body: object, path: string, message: string][] = [
    [{ model_id: undefined }, "model_id", "must be a UUID"],
    [{ model_id: 1 }, "model_id", "must be a UUID"],
    [{ model_id: "kling" }, "model_id", "must be a UUID"],
    [{ model_id: `${KLING} ` }, "model_id", "must be a UUID"],
    [{ prompt: undefined }, "prompt", "must be text"],
    [{ prompt: null }, "prompt", "must be text"],
    [{ prompt: ["A lighthouse"] }, "prompt", "must be text"],
    [{ settings: "720p" }, "settings", "must be an object"],
    [{ settings: [] }, "settings", "must be an object"],
    [{ settings: { duration: null } }, "settings.duration", "must be text, a number, true or false"],
    [{ settings: { duration: [5] } }, "settings.duration", "must be text, a number, true or false"],
    [{ settings: { duration: { seconds: 5 } } }, "settings.duration", "must be text, a number, true or false"],
    [{ image_url: 7 }, "image_url", "must be text"],
    [{ node_id: 7 }, "node_id", "must be text"],
    [{ node_id: "" }, "node_id", "must be 1 to 128 characters"],
    [{ node_id: "n".repeat(129) }, "node_id", "must be 1 to 128 characters"],
    [{ user_id: "me" }, "user_id", "must be a UUID"],
  ];
  for (const [body, path, message] of wrong) await assertInvalid(user, body, [{ path, message }]);
});

Deno.test("a prompt has 1 to 5,000 characters after trimming, an emoji being one", async () => {
  const user = await world.newUser(100);
  const issues = [{ path: "prompt", message: "must be 1 to 5000 characters" }];
  for (const prompt of ["", " \n\t ", "a".repeat(5001), "🌊".repeat(5001)]) {
    await assertInvalid(user, { prompt }, issues);
  }
  for (const prompt of ["a", "a".repeat(5000), "🌊".repeat(5000), ` ${"a".repeat(5000)}\n`]) {
    await assertTaken(user, { prompt });
  }
});

Deno.test("text that Postgres or UTF-8 cannot hold is refused in every field", async () => {
  const user = await world.newUser(500);
  const unfit = "must be text without NUL or lone surrogates";
  for (const evil of ["a\0b", "a\ud800b", "\udc00"]) {
    await assertInvalid(user, { prompt: evil }, [{ path: "prompt", message: unfit }]);
    await assertInvalid(user, { node_id: evil }, [{ path: "node_id", message: unfit }]);
    await assertInvalid(user, { image_url: `https://example.com/${evil}` }, [{ path: "image_url", message: unfit }]);
    await assertInvalid(user, { settings: { negative_prompt: evil } }, [{
      path: "settings.negative_prompt",
      message: "must be text, a number, true or false",
    }]);
    await assertInvalid(user, { settings: { [evil]: 1 } }, [{
      path: `settings.${evil}`,
      message: "must have a name of 1 to 64 characters without NUL or lone surrogates",
    }]);
    await assertInvalid(user, { [evil]: 1 }, [{ path: evil, message: "not a field of this request" }]);
  }
});

Deno.test("an image must be at a public https address of at most 2,048 characters", async () => {
  const user = await world.newUser(500);
  const refused = [
    "lighthouse.png",
    "http://example.com/a.png",
    "ftp://example.com/a.png",
    "data:image/png;base64,iVBORw0KGgo=",
    "javascript:alert(1)",
    "https://user:secret@example.com/a.png",
    "https://user@example.com/a.png",
    "https://localhost/a.png",
    "https://localhost./a.png",
    "https://intranet/a.png",
    "https://printer.local/a.png",
    "https://metadata.google.internal/a.png",
    "https://kubernetes.default.svc/a.png",
    "https://kubernetes.default.svc./a.png",
    "https://api.default.svc.cluster.local/a.png",
    "https://vault.service.consul/a.png",
    "https://host.docker.internal/a.png",
    "https://wiki.corp/a.png",
    "https://127.0.0.1/a.png",
    "https://127.1/a.png",
    "https://2130706433/a.png",
    "https://0x7f.0.0.1/a.png",
    "https://0.0.0.0/a.png",
    "https://10.0.0.1/a.png",
    "https://172.31.0.1/a.png",
    "https://192.168.1.1/a.png",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/a.png",
    "https://[::ffff:127.0.0.1]/a.png",
    "https://[fd00::1]/a.png",
    "https://[fe80::1]/a.png",
  ];
  const issues = [{ path: "image_url", message: "must be a public https URL" }];
  for (const url of refused) {
    const body = { ...GOOD_BODY, model_id: KLING_IMAGE, image_url: url };
    const answer = await world.generate(user, { body });
    assert.equal(answer.status, 400, url);
    assert.deepEqual(answer.body.issues, issues, url);
  }
  await assertInvalid(user, { model_id: KLING_IMAGE, image_url: refused[1] }, issues);
  await assertInvalid(user, { model_id: KLING_IMAGE, image_url: `${IMAGE}?${"a".repeat(2048)}` }, [
    { path: "image_url", message: "must be 1 to 2048 characters" },
  ]);
  for (const url of [IMAGE, "https://172.15.0.1/a.png", `${IMAGE}?`.padEnd(2048, "a")]) {
    await assertTaken(user, { model_id: KLING_IMAGE, image_url: url });
  }
});

Deno.test("an image is required by a model that needs one and refused by a model that takes none", async () => {
  const user = await world.newUser(100);
  await assertInvalid(user, { model_id: KLING_IMAGE }, [
    {
      path: "image_url",
      message: "required by this model: send the https address of an image, or an image_path from POST /uploads",
    },
  ]);
  await assertInvalid(user, { image_url: IMAGE }, [
    { path: "image_url", message: "not taken by this model: leave it out" },
  ]);
});

Deno.test("a setting's value that the model does not allow is refused with the allowed ones", async () => {
  const user = await world.newUser(500);
  const seconds = "must be one of: 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, auto";
  const refused: [settings: object, path: string, message: string][] = [
    [{ duration: 2 }, "duration", seconds],
    [{ duration: 5.5 }, "duration", seconds],
    [{ duration: -5 }, "duration", seconds],
    [{ duration: "8" }, "duration", seconds],
    [{ duration: true }, "duration", seconds],
    [{ resolution: "1080p" }, "resolution", "must be one of: 720p, auto"],
    [{ aspect_ratio: "4:3" }, "aspect_ratio", "must be one of: 16:9, 9:16, 1:1, auto"],
    [{ fps: 24 }, "fps", "must be one of: 30"],
    [{ fps: "auto" }, "fps", "must be one of: 30"],
    [{ cfg: 1.01 }, "cfg", "must be a number from 0 to 1"],
    [{ cfg: "0.5" }, "cfg", "must be a number from 0 to 1"],
    [{ generate_audio: "yes" }, "generate_audio", "must be true or false"],
    [{ negative_prompt: "a".repeat(2501) }, "negative_prompt", "must be text of at most 2500 characters"],
    [{ negative_prompt: 5 }, "negative_prompt", "must be text of at most 2500 characters"],
  ];
  for (const [settings, name, message] of refused) {
    await assertInvalid(user, { settings }, [{ path: `settings.${name}`, message }]);
  }
  const seed = { path: "settings.seed", message: "must be a whole number from 0 to 4294967295" };
  for (const value of [-1, 0.5, 4294967296, 1e300]) {
    await assertInvalid(user, { model_id: VEO, settings: { seed: value } }, [seed]);
  }
});

Deno.test("a setting that the model does not have is refused with those it has", async () => {
  const user = await world.newUser(100);
  const message = "not a setting of this model, which takes: " +
    "aspect_ratio, cfg, duration, fps, generate_audio, negative_prompt, resolution";
  for (const name of ["steps", "Duration", "constructor"]) {
    await assertInvalid(user, { settings: { [name]: 8 } }, [{ path: `settings.${name}`, message }]);
  }
  await assertInvalid(user, { settings: JSON.parse('{ "__proto__": 8 }') }, [
    { path: "settings", message: "must not have __proto__" },
  ]);
});

Deno.test("a number is the same number however it is written", async () => {
  const user = await world.newUser(100);
  for (const duration of ["8.0", "8", "8e0", "0.8e1"]) {
    const body = `{ "model_id": "${KLING}", "prompt": "A lighthouse", "settings": { "duration": ${duration} } }`;
    const answer = await world.generate(user, { body });
    assert.equal(answer.body.credits_used, 8, duration);
    const job = await world.status(user, answer.body.job_id);
    assert.deepEqual(job.body.settings, { ...Object(job.body.settings), duration: 8 });
  }
  const tooBig = `{ "model_id": "${KLING}", "prompt": "A lighthouse", "settings": { "duration": 1e999 } }`;
  assertRefusal(await world.generate(user, { body: tooBig }), {
    status: 400,
    code: "validation_failed",
    fields: { issues: [{ path: "settings.duration", message: "must be text, a number, true or false" }] },
  });
});

Deno.test("all issues of a body are answered at once", async () => {
  const user = await world.newUser(100);
  const answer = await world.generate(user, { body: { prompt: " ", settings: { fps: {} }, node_id: 5, more: 1 } });
  assert.deepEqual(issuePaths(answer.body.issues), ["model_id", "more", "node_id", "prompt", "settings.fps"]);
  await assertInvalid(user, { image_url: IMAGE, settings: { cfg: 2, fps: 60 } }, [
    { path: "settings.cfg", message: "must be a number from 0 to 1" },
    { path: "settings.fps", message: "must be one of: 30" },
    { path: "image_url", message: "not taken by this model: leave it out" },
  ]);
});

Deno.test("a status is asked for by one job or one node, and by nothing else", async () => {
  const user = await world.newUser(20);
  const { body: { job_id: jobId } } = await world.generate(user, { body: { ...GOOD_BODY, node_id: "node 1/ü" } });
  const message = "must have either job_id, a UUID, or node_id, 1 to 128 characters, and besides it only download";
  const queries = ["", "job_id=", "job_id=7", "node_id=", `node_id=${"n".repeat(129)}`, "node_id=a%00", "id=1"];
  for (const query of [...queries, `job_id=${jobId}&node_id=a`]) {
    const ask = () => world.call(`get-video-status?${query}`, { method: "GET", user });
    assertRefusal(await assertChangesNothing(world, ask), {
      status: 400,
      code: "validation_failed",
      fields: { issues: [{ path: "", message }] },
    });
  }
  for (const query of [`job_id=${String(jobId).toUpperCase()}`, "node_id=node+1%2F%C3%BC"]) {
    const answer = await world.call(`get-video-status?${query}`, { method: "GET", user });
    assert.equal(answer.body.job_id, jobId);
  }
});

function issuePaths(issues: unknown): string[] {
  assert.ok(Array.isArray(issues));
  return issues.map(({ path }: Issue) => path).sort();
}
