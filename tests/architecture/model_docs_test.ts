// The example of docs/models.md, word for word: an operator who follows it gets a video.
import assert from "node:assert/strict";
import { z } from "zod";
import { until, useWorld } from "../support/harness.ts";

const world = useWorld({ falSimulator: { anyModel: true, queueMs: 0, runMs: 0 } });
const page = await Deno.readTextFile(new URL("../../docs/models.md", import.meta.url));

/** The first block of that language. */
function blockOf(language: string): string {
  const block = page.match(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, "s"))?.[1];
  assert.ok(block, `docs/models.md has no ${language}`);
  return block;
}

async function shell(script: string, variables: Record<string, string>): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: ["-c", script], env: variables }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("a model is added by the insert of the docs, priced, asked for and delivered by their commands", async () => {
  const [model] = await world.sql.unsafe(blockOf("sql"));
  const user = await world.newUser(100);
  const variables = { MODEL: String(model?.id), URL: world.url, KEY: world.publishableKey, TOKEN: user.token };
  const script = blockOf("sh");
  const [quote, status] = (await shell(script, variables)).split("\n");
  assert.equal(JSON.parse(quote ?? "").credits, 24);
  const { job_id } = z.object({ job_id: z.guid() }).parse(JSON.parse(status ?? ""));
  assert.equal(await world.balance(user), 76);

  await until("the video is completed", async () => {
    await world.travel(15);
    return (await world.status(user, job_id)).body.status === "completed";
  });
  const run = world.falSimulator?.requests.at(-1);
  assert.deepEqual([run?.endpoint, run?.input], ["bytedance/seedance-2.0/image-to-video", {
    prompt: "A paper boat at dawn",
    image_url: "https://example.com/boat.jpg",
    duration: "8",
    resolution: "720p",
  }]);
  const answer = await shell(script.slice(script.lastIndexOf("curl")), { ...variables, JOB: job_id });
  assert.equal(JSON.parse(answer).status, "completed");
  await world.audit();
});

Deno.test("the schema that the docs describe is one that the database takes", async () => {
  const problems = await world.sql`select * from private.schema_problems(${
    world.sql.json(JSON.parse(blockOf("json")))
  })`;
  assert.deepEqual([...problems], []);
});
