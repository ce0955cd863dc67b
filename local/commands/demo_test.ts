import assert from "node:assert/strict";
import { DENO_FLAGS } from "../machine/deno-flags.ts";
import { startFalSimulator } from "../simulators/fal/simulator.ts";
import { projectPath } from "../machine/project.ts";
import { startStack } from "../stack/stack.ts";

interface Demo {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs the demo; as soon as it has written `interruptAt` it gets a Ctrl-C. */
async function runDemo(args: string[], { env = {}, cwd = "/", interruptAt = "" } = {}): Promise<Demo> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", ...DENO_FLAGS, projectPath("local/commands/demo.ts"), ...args],
    env: { NO_COLOR: "1", INIT_CWD: cwd, HTTP_PROXY: "http://127.0.0.1:9", NO_PROXY: "", ...env },
    cwd,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let interrupted = interruptAt === "";
  const read = async (stream: ReadableStream<Uint8Array>) => {
    let text = "";
    for await (const part of stream.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (interrupted || !text.includes(interruptAt)) continue;
      interrupted = true;
      child.kill("SIGINT");
    }
    return text;
  };
  const [stdout, stderr, { code }] = await Promise.all([read(child.stdout), read(child.stderr), child.status]);
  return { code, stdout, stderr };
}

Deno.test("the demo tries where the video goes before it starts or pays for anything", async () => {
  const folder = await Deno.makeTempDir();
  for (
    const [output, reason] of [
      [`${folder}/missing/video.mp4`, /The video cannot be written into .*missing.*Nothing was charged.*--output/],
      ["/proc/video.mp4", /The video cannot be written into \/proc/],
      [folder, /is a folder. Name a file in it/],
    ] as const
  ) {
    const { code, stderr } = await runDemo(["--output", output]);
    assert.equal(code, 2);
    assert.match(stderr, reason);
    assert.doesNotMatch(stderr, /Starting|Signed in/);
  }
  await Deno.remove(folder);
});

Deno.test("a key that fal refuses is said before anything starts", async () => {
  const fal = await startFalSimulator();
  for (
    const [key, reason] of [
      ["wrong-id:wrong-secret", /fal refused the key in FAL_KEY.*Make a key at https:\/\/fal\.ai/],
      ["a key with spaces", /has spaces or other characters/],
    ] as const
  ) {
    const { code, stderr } = await runDemo([], { env: { FAL_KEY: key, FAL_QUEUE_URL: fal.url } });
    assert.equal(code, 2);
    assert.match(stderr, reason);
    assert.doesNotMatch(stderr, /Starting/);
  }
  await fal.stop();
});

Deno.test("a demo of a project that goes on", { sanitizeOps: false, sanitizeResources: false }, async (t) => {
  const folder = await Deno.makeTempDir();
  const stack = await startStack({ workerIntervalMs: 1000, falSimulator: { queueMs: 0, runMs: 1500 } });
  const project = ["--url", stack.url, "--key", stack.publishableKey];
  try {
    await t.step("interrupted after the charge, it prints the command that fetches the video", async () => {
      const interrupted = await runDemo(project, { cwd: folder, interruptAt: "as job " });
      assert.equal(interrupted.code, 1);
      const [, flags = ""] = /npx -y deno@2\.9\.6 task demo (--job .*)/.exec(interrupted.stderr) ?? [];
      assert.deepEqual(await listFiles(folder), [], "no part of a video is left");
      const { code, stdout, stderr } = await runDemo([...flags.split(" "), "--json"], { cwd: folder });
      assert.equal(code, 0, stderr);
      const { job_id, ledger } = JSON.parse(stdout);
      assert.deepEqual(await listFiles(folder), [`reelmint-${job_id}.mp4`]);
      assert.equal(ledger.length, 2, "the welcome credits and one charge");
    });

    await t.step(
      "interrupted around the charge, it says that nothing was charged or how the video is fetched",
      async () => {
        const interrupted = await runDemo(project, { cwd: folder, interruptAt: "who has " });
        assert.equal(interrupted.code, 1);
        assert.match(
          interrupted.stderr,
          /Interrupted\.(\nJob .* is paid for\. Fetch its video| Nothing was charged\.)/,
        );
      },
    );

    await t.step("a video that cannot be written any more can be fetched as well", async () => {
      const gone = await Deno.makeTempDir();
      const before = stack.falSimulator?.submissions;
      const demo = runDemo([...project, "--output", `${gone}/video.mp4`], { cwd: folder });
      await waitFor(() => stack.falSimulator?.submissions !== before);
      await Deno.remove(gone);
      const { code, stderr } = await demo;
      assert.equal(code, 1);
      assert.match(stderr, /is paid for\. Fetch its video, or its refund, with:/);
    });

    await t.step("the demo prints what is wrong with a refused request", async () => {
      const { code, stderr } = await runDemo([...project, "x".repeat(5001)], { cwd: folder });
      assert.equal(code, 1);
      assert.match(stderr, /answered 400: .*\n {2}prompt: must be 1 to 5000 characters/);
    });

    await t.step("the demo says what to do when a provider refuses our key", async () => {
      stack.falSimulator?.configure({ revoked: true });
      const { code, stderr } = await runDemo(project, { cwd: folder });
      assert.equal(code, 1);
      assert.match(stderr, /fal refused the key in FAL_KEY/);
      assert.match(stderr, /refunded/);
    });
  } finally {
    await stack.stop();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a job is fetched only with its owner and from a project that is still there", async () => {
  const job = ["--job", crypto.randomUUID()];
  assert.match((await runDemo(job)).stderr, /--job needs the user of the job/);
  assert.match(
    (await runDemo([...job, "--email", "a@b.c", "--password", "x"])).stderr,
    /A throw-away stack no longer exists/,
  );
});

async function listFiles(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
}

async function waitFor(condition: () => boolean): Promise<void> {
  const limit = Date.now() + 60_000;
  while (!condition()) {
    assert.ok(Date.now() < limit, "it did not come true within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
