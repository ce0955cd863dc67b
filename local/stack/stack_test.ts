import { createClient } from "@supabase/supabase-js";
import assert from "node:assert/strict";
import { startStack } from "./stack.ts";
import { readClaims, signToken } from "../supabase/tokens.ts";

const NOTES = `
create table public.notes (id bigint generated always as identity primary key, body text);
revoke all on public.notes from anon, authenticated;
insert into storage.buckets (id, name) values ('private', 'private');
create policy "own files" on storage.objects for select to authenticated
  using (bucket_id = 'private' and (storage.foldername(name))[1] = (select auth.uid())::text);
create function public.kind(p_value jsonb) returns text language sql as $$ select jsonb_typeof(p_value); $$;
`;

Deno.test({ name: "a stack", sanitizeOps: false, sanitizeResources: false }, async (test) => {
  const migrations = await Deno.makeTempDir();
  await Deno.writeTextFile(`${migrations}/1_notes.sql`, NOTES);
  const stack = await startStack({ databaseFiles: { migrations, seed: "/nowhere/seed.sql" } });
  const connect = (key: string) => createClient(stack.url, key, { auth: { persistSession: false } });
  const [ada, bob, anyone, admin] = [stack.publishableKey, stack.publishableKey, stack.publishableKey, stack.secretKey]
    .map(connect);
  assert(ada && bob && anyone && admin);
  const signedUp = await ada.auth.signUp({ email: "ada@reelmint.example", password: "a password" });
  await bob.auth.signUp({ email: "bob@reelmint.example", password: "a password" });
  const path = `${signedUp.data.user?.id}/video.mp4`;
  const bytes = new Uint8Array(100_000).map((_, index) => index % 251);

  await test.step("a user's token names its key and verifies", async () => {
    const token = signedUp.data.session?.access_token ?? "";
    assert.equal(token, signToken(readClaims(token), stack.signingKey));
    assert.equal(JSON.parse(atob(token.split(".")[0] ?? "")).kid, stack.signingKey.kid);
    assert.equal((await anyone.auth.getUser(token)).error, null);
  });

  await test.step("a stream, bytes and a form can be uploaded, but not by a user", async () => {
    const files = admin.storage.from("private");
    const options = { contentType: "video/mp4" };
    assert.equal((await files.upload(path, new Blob([bytes]).stream(), { ...options, duplex: "half" })).error, null);
    assert.equal((await files.upload("bytes", bytes, options)).error, null);
    assert.equal((await files.upload("form", new Blob([bytes]), options)).error, null);
    assert.match((await ada.storage.from("private").upload("mine", bytes)).error?.message ?? "", /row-level security/);
  });

  await test.step("a user reads their own file and nobody else does", async () => {
    const own = await ada.storage.from("private").download(path);
    assert.deepEqual(new Uint8Array(await own.data?.arrayBuffer() ?? []), bytes);
    for (const other of [bob, anyone]) {
      const files = other.storage.from("private");
      assert.equal((await files.download(path)).data, null);
      assert.equal((await files.createSignedUrl(path, 60)).data, null);
      assert.deepEqual((await files.list()).data, []);
      assert.deepEqual((await files.remove([path])).data, []);
    }
  });

  await test.step("a signed URL answers a Range with that part of the file", async () => {
    const { data } = await admin.storage.from("private").createSignedUrl(path, 60);
    const response = await fetch(data?.signedUrl ?? "", { headers: { range: "bytes=500-999" } });
    assert.equal(response.status, 206);
    assert.equal(response.headers.get("content-range"), "bytes 500-999/100000");
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes.slice(500, 1000));
    const behind = await fetch(data?.signedUrl ?? "", { headers: { range: "bytes=100000-" } });
    assert.equal(behind.status, 416);
    const many = await admin.storage.from("private").createSignedUrls([path, "missing"], 60);
    assert.deepEqual(many.data?.map(({ error }) => error === null), [true, false]);
  });

  await test.step("a signed URL that has ended or was altered is a 400 that says which, as at Supabase", async () => {
    const claims = { url: `private/${path}`, sub: path, bucket: "private", intent: "download" };
    const signed = (exp: number, key = stack.signingKey) =>
      `${stack.url}/storage/v1/object/sign/private/${path}?token=${signToken({ ...claims, exp }, key)}`;
    const now = Math.floor(Date.now() / 1000);
    const other = { ...stack.signingKey, secret: "another" };
    for (
      const [url, method, message] of [
        [signed(now - 10), "GET", '"exp" claim timestamp check failed'],
        [signed(now + 60, other), "GET", "signature verification failed"],
        [`${signed(now + 60)}x`, "GET", "signature verification failed"],
        [signed(now - 10).replace("/sign/", "/upload/sign/"), "PUT", '"exp" claim timestamp check failed'],
      ] as const
    ) {
      const response = await fetch(url, { method, ...(method === "PUT" ? { body: bytes } : {}) });
      assert.deepEqual([response.status, await response.json()], [
        400,
        { statusCode: "400", error: "InvalidJWT", message },
      ]);
    }
    const response = await fetch(signed(now + 60));
    assert.deepEqual([response.status, (await response.arrayBuffer()).byteLength], [200, bytes.length]);
  });

  await test.step("a migration's revoke holds, and an argument of type jsonb arrives as one", async () => {
    assert.match((await ada.from("notes").select()).error?.message ?? "", /permission denied/);
    assert.equal((await admin.from("notes").insert({ body: "text" })).error, null);
    assert.equal((await admin.rpc("kind", { p_value: { a: 1 } })).data, "object");
  });

  await test.step("the gateway counts calls and fails them when told to", async () => {
    stack.gateway.clearCalls();
    stack.gateway.fail("/rest/v1/notes", 500, 1);
    stack.gateway.fail("/storage/v1", "drop");
    assert.deepEqual([(await admin.from("notes").select()).status, (await admin.from("notes").select()).status], [
      500,
      200,
    ]);
    // A new connection: on a used one Deno's fetch sends a dropped request again.
    using client = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    await assert.rejects(fetch(`${stack.url}/storage/v1/bucket`, { client }));
    stack.gateway.clearFaults();
    const bucket = await fetch(`${stack.url}/storage/v1/status`, { client, headers: { "x-request-id": "mine" } });
    await bucket.body?.cancel();
    assert.deepEqual(stack.gateway.calls.map(({ path, status, requestId }) => [path, status, requestId]), [
      ["/rest/v1/notes", 500, null],
      ["/rest/v1/notes", 200, null],
      ["/storage/v1/bucket", 0, null],
      ["/storage/v1/status", 200, "mine"],
    ]);
  });

  await stack.stop();
  await Deno.remove(migrations, { recursive: true });
});
