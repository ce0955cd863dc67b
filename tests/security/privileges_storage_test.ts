import assert from "node:assert/strict";
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import { KLING, type TestUser, useWorld } from "../support/harness.ts";
import { assertChangesNothing } from "../support/table-dump.ts";

const world = useWorld({ falSimulator: { queueMs: 0, runMs: 0, concurrency: 1000 } });

/** A user with a finished video: where it is kept and the URL that its status gives. */
interface Owner {
  user: TestUser;
  path: string;
  url: string;
}

const FOREIGN_FILE = new Uint8Array([0, 0, 0, 24, 102, 116, 121, 112]);

async function newOwner(): Promise<Owner> {
  const user = await world.newUser(20);
  const { body: { job_id: jobId } } = await world.generate(user, { body: { model_id: KLING, prompt: "A film" } });
  await world.travel(20);
  const { body } = await world.status(user, jobId);
  assert.equal(body.status, "completed");
  return { user, path: `${user.id}/${jobId}.mp4`, url: String(body.video_url) };
}

function client(user?: TestUser): SupabaseClient {
  return createClient(world.url, world.publishableKey, {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { headers: user ? { Authorization: `Bearer ${user.token}` } : {} },
  });
}

/** The app without a user, and another user who has videos too. */
async function attackers(): Promise<SupabaseClient[]> {
  return [client(), client((await newOwner()).user)];
}

function nameOf(path: string): string {
  return path.split("/").at(-1) ?? "";
}

async function digest(url: string): Promise<string> {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  const hash = await crypto.subtle.digest("SHA-256", await response.arrayBuffer());
  return new Uint8Array(hash).toHex();
}

/** Fails unless the file behind the URL and every table stay as they are. */
async function assertLeavesFile(url: string, work: () => Promise<void>): Promise<void> {
  const before = await digest(url);
  await assertChangesNothing(world, work);
  assert.equal(await digest(url), before);
}

Deno.test("another user's video cannot be downloaded, by its path or by any kind of address", async () => {
  const { path } = await newOwner();
  const { user: attacker } = await newOwner();
  for (const app of [client(), client(attacker)]) {
    const { data, error } = await app.storage.from("videos").download(path);
    assert.ok(error !== null && data === null);
  }
  const kinds = ["object", "object/public", "object/authenticated", "object/info", "render/image/public"];
  const credentials = [{}, { apikey: world.publishableKey }, {
    apikey: world.publishableKey,
    Authorization: `Bearer ${attacker.token}`,
  }];
  for (const kind of kinds) {
    for (const headers of credentials) {
      for (
        const route of [path, path.replaceAll("/", "%2F"), `${attacker.id}/../${path}`, `${attacker.id}/%2e%2e/${path}`]
      ) {
        const response = await fetch(`${world.url}/storage/v1/${kind}/videos/${route}`, { headers });
        assert.ok(response.status >= 400, `${kind} ${route} answered ${response.status}`);
        await response.body?.cancel();
      }
    }
  }
});

Deno.test("another user's videos cannot be listed", async () => {
  const { user, path } = await newOwner();
  const file = nameOf(path);
  for (const app of await attackers()) {
    for (const folder of [user.id, "", "/", `${user.id}/`, "%", ".."]) {
      const { data } = await app.storage.from("videos").list(folder);
      const listed = JSON.stringify(data ?? []);
      assert.ok(!listed.includes(user.id) && !listed.includes(file), `${folder}: ${listed}`);
    }
  }
});

Deno.test("a user cannot sign a URL for another user's video", async () => {
  const { path, user } = await newOwner();
  for (const app of await attackers()) {
    assert.ok((await app.storage.from("videos").createSignedUrl(path, 60)).error !== null);
    const many = await app.storage.from("videos").createSignedUrls([path, `${user.id}/none.mp4`], 60);
    assert.ok((many.data ?? []).every(({ signedUrl }) => !signedUrl), JSON.stringify(many));
    assert.ok((await app.storage.from("videos").createSignedUploadUrl(path, { upsert: true })).error !== null);
  }
});

Deno.test("the signature of one's own URL opens no other file", async () => {
  const [mine, theirs] = [await newOwner(), await newOwner()];
  const forged = new URL(mine.url);
  forged.pathname = new URL(theirs.url).pathname;
  const response = await fetch(forged);
  assert.ok(response.status >= 400);
  await response.body?.cancel();
  const unsigned = new URL(theirs.url);
  unsigned.search = "";
  const bare = await fetch(unsigned);
  assert.ok(bare.status >= 400);
  await bare.body?.cancel();
});

Deno.test("another user's video cannot be overwritten, moved, copied or deleted", async () => {
  const { path, url } = await newOwner();
  const thief = await newOwner();
  await assertLeavesFile(url, async () => {
    for (const app of [client(), client(thief.user)]) {
      const bucket = app.storage.from("videos");
      const stolen = `${thief.user.id}/stolen.mp4`;
      const type = { contentType: "video/mp4" };
      const refused = {
        upload: await bucket.upload(path, FOREIGN_FILE, type),
        upsert: await bucket.upload(path, FOREIGN_FILE, { ...type, upsert: true }),
        update: await bucket.update(path, FOREIGN_FILE, type),
        move: await bucket.move(path, stolen),
        copy: await bucket.copy(path, stolen),
      };
      for (const [verb, { error }] of Object.entries(refused)) assert.ok(error !== null, verb);
      const removed = await bucket.remove([path]);
      assert.deepEqual(removed.data ?? [], []);
    }
  });
});

Deno.test("a user cannot upload into the bucket or change a file in it, not even their own", async () => {
  const { user, path, url } = await newOwner();
  await assertLeavesFile(url, async () => {
    for (const app of [client(), client(user)]) {
      const bucket = app.storage.from("videos");
      for (const target of [`${user.id}/mine.mp4`, path, "loose.mp4", "../loose.mp4"]) {
        for (const upsert of [false, true]) {
          const { error } = await bucket.upload(target, FOREIGN_FILE, { contentType: "video/mp4", upsert });
          assert.ok(error !== null, `${target} was taken`);
        }
      }
      assert.ok((await bucket.move(path, `${user.id}/renamed.mp4`)).error !== null);
      assert.deepEqual((await bucket.remove([path])).data ?? [], []);
    }
  });
});

Deno.test("buckets cannot be made, opened to the public, emptied or deleted by an app", async () => {
  const { url } = await newOwner();
  const apps = await attackers();
  await assertLeavesFile(url, async () => {
    for (const { storage } of apps) {
      assert.ok((await storage.createBucket("mine", { public: true })).error !== null);
      await storage.updateBucket("videos", { public: true });
      await storage.emptyBucket("videos");
      await storage.deleteBucket("videos");
    }
  });
});

Deno.test("one's own files are read by the addresses that the functions give, never by one's own token, nor signed by it", async () => {
  const { user, path, url } = await newOwner();
  const upload = await world.call("uploads", { user, body: { content_type: "image/png" } });
  await fetch(String(upload.body.upload_url), {
    method: "PUT",
    body: new Uint8Array([137, 80, 78, 71, 13, 10, 26, 10]),
    headers: { "Content-Type": "image/png" },
  });
  const TEN_YEARS = 315_360_000;
  for (const [bucket, file] of [["videos", path], ["inputs", String(upload.body.image_path)]] as const) {
    const [stored] = await world.sql`select from storage.objects where bucket_id = ${bucket} and name = ${file}`;
    assert.ok(stored, `${file} is not there`);
    const own = client(user).storage.from(bucket);
    assert.equal((await own.download(file)).data, null);
    assert.deepEqual((await own.list(user.id)).data ?? [], []);
    assert.equal((await own.createSignedUrl(file, TEN_YEARS)).data?.signedUrl ?? null, null);
    const many = await own.createSignedUrls([file], TEN_YEARS);
    assert.ok((many.data ?? []).every(({ signedUrl }) => !signedUrl), JSON.stringify(many));
  }
  assert.match(await digest(url), /^[0-9a-f]{64}$/);
});
