import assert from "node:assert/strict";
import { request } from "node:http";
import { ALL_PARTS, copyProject } from "../../tests/mutations/project-copy.ts";
import { type DevProcess, startDev, untilNoted } from "../../tests/support/dev-process.ts";
import { presentLogLine } from "../cli/dev-log.ts";
import { projectPath } from "../machine/project.ts";

/** Starts `task dev` of a copy of this project, behind a proxy that answers nothing. */
function startBehindProxy(folder: string, temporary: string, ...flags: string[]): Promise<DevProcess> {
  return startDev(folder, {
    flags,
    env: { TMPDIR: temporary, HTTP_PROXY: "http://127.0.0.1:9", NO_PROXY: "" },
  });
}

async function withCopy(work: (folder: string, temporary: string) => Promise<void>): Promise<void> {
  const parent = await Deno.makeTempDir({ prefix: "reelmint dév " });
  try {
    const temporary = `${parent}/tmp`;
    await Deno.mkdir(temporary, { mode: 0o755 });
    await work(await copyProject(projectPath("."), parent, ALL_PARTS), temporary);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
}

Deno.test("task dev: what a developer meets in a day", { sanitizeOps: false, sanitizeResources: false }, async (t) => {
  await withCopy(async (folder, temporary) => {
    let dev = await startBehindProxy(folder, temporary, "--credits", "500");
    const { announced } = dev;
    const authorization = { Authorization: `Bearer ${announced.user.access_token}` };

    await t.step("the user has the credits that were asked for", async () => {
      const path = `${announced.url}/rest/v1/credit_balances?select=credits_remaining`;
      const response = await fetch(path, { headers: { apikey: announced.publishable_key, ...authorization } });
      assert.deepEqual(await response.json(), [{ credits_remaining: 500 }]);
    });

    await t.step("an address in an answer is the one that the client asked", async () => {
      const { port } = new URL(announced.url);
      for (const host of [`10.0.2.2:${port}`, `192.168.1.20:${port}`, `127.0.0.1:${port}`]) {
        const answer = await postAs(host, `${announced.url}/functions/v1/uploads`, authorization, {
          content_type: "image/png",
        });
        assert.equal(new URL(Object.values(answer).find((value) => `${value}`.startsWith("http")) ?? "").host, host);
      }
    });

    await t.step("a changed function is loaded again", async () => {
      const file = `${folder}/supabase/functions/health/index.ts`;
      await Deno.writeTextFile(file, 'export default { fetch: () => new Response("new code") };');
      await untilNoted(async () => await text(`${announced.url}/functions/v1/health`) === "new code", dev.notes);
      await Deno.writeTextFile(`${folder}/supabase/migrations/20270101000000_new.sql`, "select 1;");
      await untilNoted(() => dev.notes().includes("The migrations changed. Restart"), dev.notes);
      await Deno.remove(`${folder}/supabase/migrations/20270101000000_new.sql`);
    });

    await t.step("ticks of the worker that find nothing are not printed", async () => {
      await new Promise((resolve) => setTimeout(resolve, 5500));
      assert.doesNotMatch(dev.notes(), /advance-jobs/);
    });

    await t.step("temporary folders and remembered keys are for their owner only", async () => {
      for await (const { name } of Deno.readDir(temporary)) {
        assert.equal(((await Deno.stat(`${temporary}/${name}`)).mode ?? 0) & 0o077, 0, name);
      }
      assert.equal(((await Deno.stat(`${folder}/supabase/.temp/dev.json`)).mode ?? 0) & 0o777, 0o600);
    });

    await t.step("the end of deno task, however it ended, is the end of the stack", async () => {
      await dev.end("SIGKILL");
      await untilNoted(
        () => fetch(announced.url).then((response) => response.body?.cancel()).then(() => false, () => true),
        dev.notes,
      );
    });

    await t.step("keys, user and token are the same at the next start, and a taken port is reported", async () => {
      using _taken = Deno.listen({ hostname: "127.0.0.1", port: 54_321 });
      dev = await startBehindProxy(folder, temporary);
      assert.match(dev.notes(), /Port 54321 is taken\. The API listens on \d+ instead/);
      assert.equal(dev.announced.publishable_key, announced.publishable_key);
      assert.equal(dev.announced.user.id, announced.user.id);
      const response = await fetch(`${dev.announced.url}/functions/v1/videos`, { headers: authorization });
      assert.equal(response.status, 200, await response.text());
      await dev.end("SIGTERM");
    });
  });
});

Deno.test("a line of the log about a refused key is explained; a call of the worker that found nothing is not shown", () => {
  const refused = '{"level":"alert","event":"submission_refused","code":"provider_unauthorized"}';
  assert.match(presentLogLine(refused) ?? "", /^\{.*\}\nfal refused the key in FAL_KEY/);
  assert.equal(presentLogLine('{"event":"request","function":"advance-jobs","status":200}'), undefined);
  const failed = '{"event":"request","function":"advance-jobs","status":503}';
  assert.equal(presentLogLine(failed), failed);
  assert.equal(presentLogLine("no JSON"), "no JSON");
});

/** `fetch` sends no other Host than the one of the address. */
async function postAs(host: string, url: string, headers: Record<string, string>, body: object): Promise<object> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request(
    url,
    { method: "POST", headers: { ...headers, host, "content-type": "application/json" } },
    (reply) => {
      reply.setEncoding("utf8");
      let text = "";
      reply.on("data", (part) => text += part);
      reply.on("end", () => resolve(text));
    },
  );
  call.on("error", reject);
  call.end(JSON.stringify(body));
  return JSON.parse(await promise);
}

async function text(url: string): Promise<string> {
  return await fetch(url).then((response) => response.text(), () => "");
}
