/** What the tests of this folder share. By its name it counts as a test, and not as code that is deployed. */

import assert from "node:assert/strict";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import { fetchMedia } from "../providers/media.ts";
import { MediaError } from "./media-error.ts";
import { type StorageClient, storageFetch } from "./storage-client.ts";
import type { StoreMedia } from "./upload.ts";

/** A limit that never comes. */
const patient = new AbortController().signal;
/** Where the copies of the tests are stored, in the bucket `videos`. */
export const PATH = "user-1/job-1.mp4";
export const FILM = new Uint8Array(300_000).map((_, index) => index % 251);

interface StoredFile {
  size: number;
  contentType: string;
}

/** Supabase Storage as far as we use it: an upload that breaks off leaves what was there before. */
class FakeStorage {
  files = new Map<string, StoredFile>();
  requests: string[] = [];
  uploads: { headers: Headers; bytes: Uint8Array }[] = [];
  /** Answers in its place, while it is set. */
  answer: ((request: Request) => Response | Promise<Response> | undefined) | undefined;

  async handle(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname.replace("/storage/v1/object", "");
    this.requests.push(`${request.method} ${path}`);
    const scripted = await this.answer?.(request);
    if (scripted) return scripted;
    if (request.method === "POST" && path.startsWith("/sign/")) {
      return await this.#sign(request, path.replace("/sign/", ""));
    }
    if (request.method === "POST") return await this.#upload(request, path.slice(1));
    if (request.method === "GET") return this.#info(path.replace("/info/", ""));
    const { prefixes } = await request.json();
    for (const prefix of prefixes) this.files.delete(`videos/${prefix}`);
    return Response.json([]);
  }

  async #upload(request: Request, path: string): Promise<Response> {
    const headers = new Headers(request.headers);
    const bytes = await request.bytes();
    this.uploads.push({ headers, bytes });
    this.files.set(path, { size: bytes.length, contentType: headers.get("content-type") ?? "" });
    return Response.json({ Id: "id", Key: path });
  }

  #info(path: string): Response {
    const file = this.files.get(path);
    return file
      ? Response.json({ id: "id", name: path, size: file.size })
      : storageFailure(400, "404", "Object not found");
  }

  async #sign(request: Request, bucket: string): Promise<Response> {
    const { paths } = z.object({ paths: z.array(z.string()) }).parse(await request.json());
    return Response.json(
      paths.map((path) =>
        this.files.has(`${bucket}/${path}`)
          ? { path, error: null, signedURL: `/object/sign/${bucket}/${path}?token=t` }
          : { path, error: "Either the object does not exist or you do not have access to it", signedURL: null }
      ),
    );
  }
}

/** An error as Storage answers it. */
export function storageFailure(status: number, statusCode: string, message: string): Response {
  return Response.json({ statusCode, error: message, message }, { status });
}

export interface StorageTest {
  storage: FakeStorage;
  client: StorageClient;
  /** Opens a file of the provider, whose answer is the test's. */
  open(answer: (request: Request) => Response, name?: string, signal?: AbortSignal): Promise<Response>;
}

/** Runs a test with a Storage and a provider of its own. */
export async function withStorage(test: (bench: StorageTest) => Promise<void>): Promise<void> {
  const storage = new FakeStorage();
  const storing = Deno.serve({
    port: 0,
    hostname: "127.0.0.1",
    onListen() {},
    onError: () => storageFailure(500, "500", ""),
  }, (request) => storage.handle(request));
  let answer: (request: Request) => Response = () => new Response("nothing");
  const providing = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, (request) => answer(request));
  const origin = `http://127.0.0.1:${providing.addr.port}`;
  try {
    await test({
      storage,
      client: createTestClient(`http://127.0.0.1:${storing.addr.port}`),
      open(as, name = "1.mp4", signal = patient) {
        answer = as;
        return fetchMedia(`${origin}/${name}`, { allowedHosts: [origin], signal });
      },
    });
  } finally {
    await Promise.all([storing.shutdown(), providing.shutdown()]);
  }
}

export function createTestClient(url: string): StorageClient {
  return createClient(url, "sb_secret_test", {
    auth: { persistSession: false, autoRefreshToken: false },
    global: { fetch: storageFetch },
  });
}

/** The provider's answer with the film. */
export const film = (headers: HeadersInit = { "content-type": "video/mp4" }): Response =>
  new Response(FILM, { headers });

/** A film sent in pieces, without its length. */
export const unmeasuredFilm = (): Response =>
  new Response(new Blob([FILM]).stream(), { headers: { "content-type": "video/mp4" } });

/** A copy of the provider's answer, as `storeMedia` takes it. */
export const target = (response: Response, maxBytes = 1_000_000): StoreMedia => ({
  bucket: "videos",
  path: PATH,
  kind: "video",
  response,
  maxBytes,
});

/** The `MediaError` that a call ends with. */
export async function mediaError(promise: Promise<unknown>): Promise<MediaError> {
  const error = await promise.then(() => assert.fail("no error"), (reason: unknown) => reason);
  assert.ok(error instanceof MediaError, `not a MediaError: ${error}`);
  return error;
}

/** A provider that cuts the connection in the middle of a file; `head` says its length, or that it comes in chunks. */
export async function brokenOff(head: string): Promise<Response> {
  const listener = Deno.listen({ port: 0, hostname: "127.0.0.1" });
  const serving = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(65536));
    const start = `HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n${head}\r\n\r\n`;
    await connection.write(new TextEncoder().encode(`${start}4\r\nfilm\r\n`));
    connection.close();
    listener.close();
  })();
  const origin = `http://127.0.0.1:${listener.addr.port}`;
  const response = await fetchMedia(origin, { allowedHosts: [origin], signal: patient });
  await serving;
  return response;
}
