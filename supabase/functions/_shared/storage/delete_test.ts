import assert from "node:assert/strict";
import { film, mediaError, PATH, storageFailure, target, withStorage } from "./fake-storage_test.ts";
import { deleteFiles } from "./delete.ts";
import { storeMedia } from "./upload.ts";

Deno.test("files are deleted, also those that are not there, and none means no request", async () => {
  await withStorage(async ({ storage, client, open }) => {
    await storeMedia(client, target(await open(() => film())));
    await deleteFiles(client, { bucket: "videos", paths: [PATH, "user-1/never-there.mp4"] });
    assert.equal(storage.files.size, 0);
    storage.requests = [];
    await deleteFiles(client, { bucket: "videos", paths: [] });
    assert.deepEqual(storage.requests, []);
    storage.answer = () => storageFailure(500, "500", "boom");
    assert.equal(
      (await mediaError(deleteFiles(client, { bucket: "videos", paths: [PATH] }))).code,
      "storage_unavailable",
    );
  });
});
