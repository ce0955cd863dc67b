import { z } from "zod";

const signing = z.object({ paths: z.array(z.string()) });
const deletion = z.object({ prefixes: z.array(z.string()) });

/** Changes `storage.objects` as Storage does: procedures read it. */
export type FileTable = (
  change: "added" | "removed",
  bucket: string,
  names: string[],
  bytes?: number,
) => Promise<void>;

/** The project's limit for a file: below `media_oversized` of the simulators, above everything else. */
const MOST_BYTES = 500_000;

/** Storage in memory, with sizes instead of bytes. It answers the requests of storage-js to `/storage/v1/object/…`. */
export class Bucket {
  /** The sizes, by bucket and path: `videos/{user}/{job}.mp4`. */
  readonly files = new Map<string, number>();
  /** The first bytes of uploaded images, which the functions read. */
  readonly heads = new Map<string, Uint8Array<ArrayBuffer>>();

  constructor(private readonly table: FileTable) {}

  /** The name of the fault point of a call. */
  static pointOf(method: string, path: string): string {
    if (method === "DELETE") return "storage remove";
    if (method === "GET" && !path.startsWith("info/")) return "storage read";
    if (path.startsWith("upload/sign/")) return "storage address";
    if (path.startsWith("info/")) return "storage info";
    return path.startsWith("sign/") ? "storage sign" : "storage upload";
  }

  /** `path` is what follows `/storage/v1/object/`. */
  async call(method: string, path: string, body: BodyInit | null | undefined): Promise<Response> {
    switch (Bucket.pointOf(method, path)) {
      case "storage remove":
        return await this.#remove(path, z.string().parse(body));
      case "storage info":
        return this.#info(path.slice("info/".length));
      case "storage read":
        return this.#read(path);
      case "storage address":
        return Response.json({ url: `/object/${path}?token=simulated`, token: "simulated" });
      case "storage sign":
        return this.#sign(path.slice("sign/".length), z.string().parse(body));
      default:
        return await this.#upload(path, body);
    }
  }

  /** Stores a file, as a client does with a signed address. */
  async put(file: string, bytes: number, head?: Uint8Array<ArrayBuffer>): Promise<void> {
    const [bucket = "", ...rest] = file.split("/");
    // The row first: the table must have a row for every stored file.
    await this.table("added", bucket, [rest.join("/")], bytes);
    this.files.set(file, bytes);
    if (head !== undefined) this.heads.set(file, head);
  }

  async #upload(file: string, body: BodyInit | null | undefined): Promise<Response> {
    const bytes = await sizeOf(file, body);
    if (bytes > MOST_BYTES) return tooLarge();
    await this.put(file, bytes);
    return Response.json({ Key: file, Id: file });
  }

  #read(file: string): Response {
    const head = this.heads.get(file);
    return head === undefined ? notFound() : new Response(head, { status: 206 });
  }

  #info(file: string): Response {
    const size = this.files.get(file);
    return size === undefined ? notFound() : Response.json({ id: file, name: file, bucket_id: "videos", size });
  }

  #sign(bucket: string, body: string): Response {
    const { paths } = signing.parse(JSON.parse(body));
    return Response.json(
      paths.map((path) =>
        this.files.has(`${bucket}/${path}`)
          ? { path, error: null, signedURL: `/object/sign/${bucket}/${path}?token=simulated` }
          : { path, error: "Either the object does not exist or you do not have access to it", signedURL: null }
      ),
    );
  }

  async #remove(bucket: string, body: string): Promise<Response> {
    const { prefixes } = deletion.parse(JSON.parse(body));
    const gone = prefixes.filter((name) => this.files.delete(`${bucket}/${name}`));
    for (const name of gone) this.heads.delete(`${bucket}/${name}`);
    if (gone.length > 0) await this.table("removed", bucket, gone);
    return Response.json(gone.map((name) => ({ name })));
  }
}

/** A video must be uploaded as a stream, or it would be held in memory. Subtitles are small, and are bytes. */
async function sizeOf(file: string, body: BodyInit | null | undefined): Promise<number> {
  if (file.endsWith(".vtt")) return z.instanceof(Uint8Array).parse(body).byteLength;
  if (!(body instanceof ReadableStream)) throw new Error("An upload must be a stream, or it is held in memory");
  let bytes = 0;
  try {
    for await (const chunk of body) bytes += z.instanceof(Uint8Array).parse(chunk).byteLength;
  } catch (cause) {
    // A broken upload stores nothing. Deno's fetch throws this error then.
    throw new TypeError("error sending request", { cause });
  }
  return bytes;
}

function tooLarge(): Response {
  const message = "The object exceeded the maximum allowed size";
  return Response.json({ statusCode: "413", error: "Payload too large", message }, { status: 400 });
}

function notFound(): Response {
  return Response.json({ statusCode: "404", error: "not_found", message: "Object not found" }, { status: 400 });
}
