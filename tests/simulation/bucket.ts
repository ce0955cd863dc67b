import { z } from "zod";

const signing = z.object({ paths: z.array(z.string()) });
const deletion = z.object({ prefixes: z.array(z.string()) });

/** Storage in memory: it keeps the sizes, not the bytes. Speaks what storage-js says of `/storage/v1/object/…`. */
export class Bucket {
  readonly files = new Map<string, number>();

  /** What the call is about, as the name of its fault point. */
  static pointOf(method: string, path: string): string {
    if (method === "DELETE") return "storage remove";
    if (path.startsWith("info/")) return "storage info";
    return path.startsWith("sign/") ? "storage sign" : "storage upload";
  }

  /** `path` is what follows `/storage/v1/object/`. */
  async call(method: string, path: string, body: BodyInit | null | undefined): Promise<Response> {
    switch (Bucket.pointOf(method, path)) {
      case "storage remove":
        return this.#remove(z.string().parse(body));
      case "storage info":
        return this.#info(path.slice("info/videos/".length));
      case "storage sign":
        return this.#sign(z.string().parse(body));
      default:
        return await this.#upload(path.slice("videos/".length), body);
    }
  }

  async #upload(name: string, body: BodyInit | null | undefined): Promise<Response> {
    if (!(body instanceof ReadableStream)) throw new Error("An upload must be a stream, or it is held in memory");
    let bytes = 0;
    try {
      for await (const chunk of body) bytes += z.instanceof(Uint8Array).parse(chunk).byteLength;
    } catch (cause) {
      // Nothing of a broken upload is kept; this is how Deno's fetch tells its caller.
      throw new TypeError("error sending request", { cause });
    }
    this.files.set(name, bytes);
    return Response.json({ Key: `videos/${name}`, Id: name });
  }

  #info(name: string): Response {
    const size = this.files.get(name);
    return size === undefined ? notFound() : Response.json({ id: name, name, bucket_id: "videos", size });
  }

  #sign(body: string): Response {
    const { paths } = signing.parse(JSON.parse(body));
    return Response.json(
      paths.map((path) =>
        this.files.has(path)
          ? { path, error: null, signedURL: `/object/sign/videos/${path}?token=simulated` }
          : { path, error: "Either the object does not exist or you do not have access to it", signedURL: null }
      ),
    );
  }

  #remove(body: string): Response {
    const { prefixes } = deletion.parse(JSON.parse(body));
    return Response.json(prefixes.filter((name) => this.files.delete(name)).map((name) => ({ name })));
  }
}

function notFound(): Response {
  return Response.json({ statusCode: "404", error: "not_found", message: "Object not found" }, { status: 400 });
}
