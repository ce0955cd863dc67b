import assert from "node:assert/strict";
import { film, PATH, target, withStorage } from "./fake-storage_test.ts";
import { signedUrls } from "./signed-urls.ts";
import { storeMedia } from "./upload.ts";

Deno.test("signed URLs lead to their files, and a file that is not there has none", async () => {
  await withStorage(async ({ client, open }) => {
    await storeMedia(client, target(await open(() => film())));
    const files = { bucket: "videos", paths: [PATH, "user-1/never-there.mp4"], expiresInSeconds: 60 };
    const urls = await signedUrls(client, files);
    assert.deepEqual([...urls.keys()], [PATH]);
    assert.match(urls.get(PATH) ?? "", /\/storage\/v1\/object\/sign\/videos\/user-1\/job-1\.mp4\?token=t$/);
  });
});
