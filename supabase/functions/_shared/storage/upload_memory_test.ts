import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const MEGABYTE = 1024 * 1024;

Deno.test({
  name: "a copy of 200 MB costs less than 64 MB of memory",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const size = 200 * MEGABYTE;
    let received = 0;
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, async (request) => {
      if (request.url.endsWith("/film")) return new Response(zeros(size), { headers: filmHeaders(size) });
      if (request.method === "GET") return Response.json({ size: received });
      for await (const piece of request.body ?? []) received += piece.length;
      return Response.json({ Id: "id", Key: "key" });
    });
    const script = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(script, copierScript(`http://127.0.0.1:${server.addr.port}`));
    // A process of its own: the peak is the process's, and this one holds the two servers.
    const copier = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--no-lock",
        "--no-check",
        "--node-modules-dir=none",
        "--config",
        fileAt("../../../../deno.json"),
        script,
      ],
      stderr: "inherit",
    });
    const { stdout } = await copier.output();
    await Deno.remove(script);
    await server.shutdown();
    const { bytes, before, peak } = JSON.parse(new TextDecoder().decode(stdout));
    assert.equal(bytes, size);
    assert.equal(received, size);
    assert.ok(peak - before < 64, `${peak - before} MB`);
  },
});

function filmHeaders(size: number): HeadersInit {
  return { "content-type": "video/mp4", "content-length": String(size) };
}

function zeros(size: number): ReadableStream<Uint8Array> {
  let left = size;
  return new ReadableStream({
    pull(controller) {
      if (left === 0) return controller.close();
      const piece = new Uint8Array(Math.min(left, 65_536));
      left -= piece.length;
      controller.enqueue(piece);
    },
  });
}

function fileAt(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url));
}

function copierScript(origin: string): string {
  return `
    import { createClient } from "@supabase/supabase-js";
    import { fetchMedia } from "${new URL("../providers/media.ts", import.meta.url)}";
    import { storageFetch } from "${new URL("storage-client.ts", import.meta.url)}";
    import { storeMedia } from "${new URL("upload.ts", import.meta.url)}";
    const megabytes = () => Number(/VmHWM:\\s+(\\d+)/.exec(Deno.readTextFileSync("/proc/self/status"))[1]) / 1024;
    const client = createClient("${origin}", "sb_secret_test", { global: { fetch: storageFetch } });
    const before = megabytes();
    const response = await fetchMedia("${origin}/film", {
      allowedHosts: ["${origin}"], signal: AbortSignal.timeout(60_000),
    });
    const { bytes } = await storeMedia(client, { bucket: "videos", path: "a.mp4", response, kind: "video", maxBytes: 1e9 });
    console.log(JSON.stringify({ bytes, before, peak: megabytes() }));
    Deno.exit();
  `;
}
