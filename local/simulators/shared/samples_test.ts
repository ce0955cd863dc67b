import assert from "node:assert/strict";
import { imageTypeOf } from "../../../supabase/functions/_shared/storage/image-signature.ts";

Deno.test("the sample picture of the simulator is a JPEG", async () => {
  const sample = await Deno.readFile(new URL("sample.jpg", import.meta.url));
  assert.equal(imageTypeOf(sample), "image/jpeg");
});
