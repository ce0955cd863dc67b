// When a step of a transition fails, the step is repeated, the video is delivered without it, or the job is refunded.
import assert from "node:assert/strict";
import { download, INSTANT, simulatorOf } from "../support/generation.ts";
import { type Answer, useWorld } from "../support/harness.ts";
import {
  assertDelivered,
  assertFailed,
  ENDPOINTS,
  resultOf,
  startTransition,
  type StepName,
  type Transition,
  WHOLE,
} from "../support/transition.ts";

/** Beyond the deadline of any transition here. */
const DEADLINE_SECONDS = 4 * 3600;
/** How long a video waits for an extra that it may be delivered without. */
const VOICEOVER_PATIENCE_SECONDS = 120;

const world = useWorld({ falSimulator: INSTANT });

Deno.test.beforeEach(() => simulatorOf(world).clear());

/** Every step, a video length that needs it, and how often the step is submitted when nothing fails. */
const STEPS: [step: StepName, duration: number, all: StepName[]][] = [
  ["generate", 5, ["voiceover", "music", "loudness", "generate", "mix"]],
  ["voiceover", 5, ["voiceover", "music", "loudness", "generate", "mix"]],
  ["music", 5, ["voiceover", "music", "loudness", "generate", "mix"]],
  ["loudness", 5, ["voiceover", "music", "loudness", "generate", "mix"]],
  ["mix", 5, ["voiceover", "music", "loudness", "generate", "mix"]],
  ["trim", 2, ["voiceover", "music", "loudness", "generate", "trim", "mix"]],
  ["frame", 20, ["voiceover", "music", "loudness", "generate", "frame", "generate", "join", "mix"]],
  ["join", 20, ["voiceover", "music", "loudness", "generate", "frame", "generate", "join", "mix"]],
  ["subtitles", 5, ["voiceover", "music", "loudness", "generate", "mix", "subtitles"]],
];

function startOf(duration: number, more: Record<string, unknown> = {}): Promise<Transition> {
  const subtitles = [{ startTime: 0, endTime: 1, text: "First subtitle" }];
  return startTransition(world, { body: { ...WHOLE, subtitles, duration, ...more } });
}

function stepsOf(transition: Transition): (string | undefined)[] {
  const names = Object.entries(ENDPOINTS);
  return transition.runs().map(({ endpoint }) => names.find(([, known]) => known === endpoint)?.[0]);
}

for (const [step, duration, all] of STEPS) {
  const endpoint = ENDPOINTS[step];
  const drawn = all.includes("subtitles") ? { burn_in: true } : {};
  const price = Math.max(3, duration) + 2 + ("burn_in" in drawn ? 1 : 0);
  const twice = all.flatMap((name, place) => name === step && all.indexOf(step) === place ? [name, name] : [name]);

  Deno.test(`${step} that fails once is made again, alone, and the transition is delivered and paid for once`, async () => {
    simulatorOf(world).script({ endpoint }, { outcome: "internal_server_error", times: 1 });
    const transition = await startOf(duration, drawn);
    await assertDelivered(world, transition, await transition.outcome(), price);
    assert.deepEqual(stepsOf(transition), twice);
  });

  Deno.test(`${step} that is refused once is submitted again, alone`, async () => {
    simulatorOf(world).script({ endpoint }, { submit: "503", times: 1 });
    const transition = await startOf(duration, drawn);
    await assertDelivered(world, transition, await transition.outcome(), price);
    assert.deepEqual(stepsOf(transition), all);
  });

  Deno.test(`${step} that fails for good fails the transition, refunded once and in full, without a file left`, async () => {
    simulatorOf(world).script({ endpoint }, { outcome: "file_download_error" });
    const transition = await startOf(duration, drawn);
    const end = await transition.outcome();
    await assertFailed(world, transition, end, "provider_rejected_input", price);
    assert.deepEqual(stepsOf(transition), all.slice(0, all.indexOf(step) + 1));
    await transition.poll(DEADLINE_SECONDS);
    assert.deepEqual(await transition.ledger(), [-price, price]);
    const files = await world.sql`select from storage.objects where name like ${`%${transition.taskId}%`}`;
    assert.equal(files.length, 0);
  });

  Deno.test(`${step} whose submission's answer is lost is submitted once more, after its grace time`, async () => {
    simulatorOf(world).script({ endpoint }, { submit: "bad_json", times: 1 });
    const transition = await startOf(duration, drawn);
    for (let count = 0; count < 30 && transition.runsOf(step).length === 0; count++) await transition.poll();
    const { body } = await transition.poll(90);
    assert.deepEqual([body.ready, transition.runsOf(step).length], [false, 1], "no grace time was given");
    await assertDelivered(world, transition, await transition.outcome(), price);
    assert.deepEqual(stepsOf(transition), twice);
  });

  Deno.test(`${step} that never ends is cancelled at the deadline, and the transition refunded once`, async () => {
    simulatorOf(world).script({ endpoint }, { outcome: "hang" });
    const transition = await startOf(duration, drawn);
    for (let count = 0; count < 30 && transition.runsOf(step).length === 0; count++) await transition.poll();
    const end = await transition.poll(DEADLINE_SECONDS);
    await assertFailed(world, transition, end, "timeout", price);
    assert.equal(transition.runsOf(step)[0]?.cancelled, true);
  });
}

Deno.test("a second part that fails once is made again from the same frame, and the first is not", async () => {
  const transition = await startOf(20);
  await transition.reach("frame_1");
  simulatorOf(world).script({ endpoint: ENDPOINTS.generate }, { outcome: "internal_server_error", times: 1 });
  await assertDelivered(world, transition, await transition.outcome(), 22);
  const starts = transition.runsOf("generate").map(({ input }) => input.start_image_url);
  assert.equal(starts.length, 3);
  assert.equal(starts[1], starts[2]);
  assert.notEqual(starts[0], starts[1]);
});

Deno.test("a step that always fails is made four times, then the transition is refunded", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { outcome: "internal_server_error" });
  const transition = await startOf(5);
  await assertFailed(world, transition, await transition.outcome(), "provider_error");
  assert.deepEqual(stepsOf(transition), ["voiceover", "music", "loudness", "generate", "mix", "mix", "mix", "mix"]);
});

Deno.test("the pause before a step is made again grows with its own failures, not with the steps before it", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { outcome: "internal_server_error", times: 1 });
  const transition = await startOf(5);
  await transition.reach("mix");
  await transition.poll();
  await transition.poll(9);
  assert.equal(transition.runsOf("mix").length, 2);
  await assertDelivered(world, transition, await transition.outcome());
});

Deno.test("the percentage never falls, whatever fails on the way", async () => {
  for (const endpoint of Object.values(ENDPOINTS)) {
    simulatorOf(world).script({ endpoint }, { outcome: "internal_server_error", times: 1 });
  }
  const transition = await startOf(20);
  const seen: number[] = [];
  for (let count = 0; count < 100; count++) {
    const { body } = await transition.poll();
    if (body.ready) break;
    const { info } = body;
    assert.ok(typeof info === "object" && info !== null && "current" in info);
    seen.push(Number(info.current));
  }
  assert.ok(seen.length > 10);
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
  assert.ok(seen.every((percent) => percent < 100));
});

/** The optional extras, the steps that fail, and the extras that are skipped then. */
const LEFT_OUT: [spare: string[], failing: StepName[], leftOut: string[], tracks: string[]][] = [
  [["music"], ["music"], ["music"], ["video", "voiceover"]],
  [["music"], ["loudness"], ["music"], ["video", "voiceover"]],
  [["voiceover"], ["voiceover"], ["voiceover"], ["video", "music"]],
  [["music", "voiceover"], ["voiceover"], ["voiceover"], ["video", "music"]],
  [["music", "voiceover"], ["voiceover", "music"], ["music", "voiceover"], []],
  [["music", "voiceover"], ["voiceover", "loudness"], ["music", "voiceover"], []],
  [["music", "voiceover"], ["mix"], ["music", "voiceover"], ["video", "voiceover", "music"]],
];

async function assertLeftOut(transition: Transition, end: Answer, leftOut: string[]): Promise<void> {
  const result = resultOf(end);
  assert.deepEqual([result.skipped_extras, result.credits_used, result.credits_refunded], [leftOut, 7, leftOut.length]);
  assert.deepEqual(await transition.ledger(), [-7, leftOut.length]);
  assert.equal(await world.balance(transition.user), 93 + leftOut.length);
  await world.audit();
}

for (const [spare, failing, leftOut, tracks] of LEFT_OUT) {
  Deno.test(`without ${failing.join(" and ")}, where ${spare.join(" and ")} may be missing, the rest is delivered and ${leftOut.join(" and ")} given back`, async () => {
    for (const step of failing) {
      simulatorOf(world).script({ endpoint: ENDPOINTS[step] }, { outcome: "file_download_error" });
    }
    const transition = await startOf(5, { deliver_without: spare });
    const end = await transition.outcome();
    await assertLeftOut(transition, end, leftOut);
    const mixed = transition.runsOf("mix").flatMap(({ input }) => input.tracks);
    assert.deepEqual(mixed.map((track) => typeof track === "object" && track && "id" in track && track.id), tracks);
    assert.deepEqual(resultOf(await transition.poll(0)).credits_refunded, leftOut.length);
    assert.deepEqual((await transition.send()).body, transition.answer.body);
  });
}

Deno.test("without the subtitles in the picture, where they may be missing, they are given back, and are still beside it", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.subtitles }, { outcome: "file_download_error" });
  const transition = await startOf(5, { burn_in: true, deliver_without: ["subtitles"] });
  const { subtitles_url, ...result } = resultOf(await transition.outcome());
  assert.deepEqual([result.skipped_extras, result.credits_used, result.credits_refunded], [["subtitles"], 8, 1]);
  assert.deepEqual(await transition.ledger(), [-8, 1]);
  assert.match(new TextDecoder().decode(await download(subtitles_url)), /First subtitle/);
  await world.audit();
});

Deno.test("what may be missing is made again first, and is delivered if that goes well", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.music }, { outcome: "internal_server_error", times: 1 });
  const transition = await startOf(5, { deliver_without: ["music", "voiceover"] });
  await assertDelivered(world, transition, await transition.outcome());
});

Deno.test("a mix that fails for good fails the transition where only the music may be missing", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { outcome: "file_download_error" });
  const transition = await startOf(5, { deliver_without: ["music"] });
  await assertFailed(world, transition, await transition.outcome(), "provider_rejected_input");
});

Deno.test("the voice is no reason to leave out the music", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.voiceover }, { outcome: "file_download_error" });
  const transition = await startOf(5, { deliver_without: ["music"] });
  await assertFailed(world, transition, await transition.outcome(), "provider_rejected_input");
});

Deno.test("a voice that never comes is waited for with patience, then stopped, and its credit given back", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.voiceover }, { outcome: "hang" });
  const transition = await startOf(5, { deliver_without: ["voiceover"] });
  await transition.reach("voiceover");
  const { body } = await transition.poll(VOICEOVER_PATIENCE_SECONDS - 20);
  assert.deepEqual([body.ready, transition.runsOf("voiceover")[0]?.cancelled], [false, false]);
  await assertLeftOut(transition, await transition.outcome(), ["voiceover"]);
  assert.equal(transition.runsOf("voiceover")[0]?.cancelled, true);
});

Deno.test("a transition that has lost its music and then fails gets each credit back once", async () => {
  simulatorOf(world).script({ endpoint: ENDPOINTS.music }, { outcome: "file_download_error" });
  simulatorOf(world).script({ endpoint: ENDPOINTS.mix }, { outcome: "file_download_error" });
  const transition = await startOf(5, { deliver_without: ["music"] });
  await assertFailed(world, transition, await transition.outcome(), "provider_rejected_input");
});
