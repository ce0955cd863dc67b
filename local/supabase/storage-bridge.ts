import { Buffer } from "node:buffer";
import { z } from "zod";
import { requestedRange } from "./file-storage.ts";
import { readClaims, type SigningKey, verifyToken } from "./tokens.ts";

type Serve = (request: Request) => Promise<Response>;

const manyToSign = z.object({ expiresIn: z.number(), paths: z.array(z.string()) });
const ROOT = "/storage/v1";

/** Serves a request to Storage by @supabase/lite as Supabase would, bridging what the two do differently. */
export async function serveStorage(request: Request, serve: Serve, signingKey: SigningKey): Promise<Response> {
  const url = new URL(request.url);
  const fault = faultOfSignature(url, signingKey);
  if (fault !== undefined) {
    await request.body?.cancel();
    return Response.json({ statusCode: "400", error: "InvalidJWT", message: fault }, { status: 400 });
  }
  // Gap: lite knows private files under `/object/…` only, Supabase under `/object/authenticated/…` too.
  url.pathname = url.pathname.replace(`${ROOT}/object/authenticated/`, `${ROOT}/object/`);
  const [, bucket] = /^\/storage\/v1\/object\/sign\/([^/]+)$/.exec(url.pathname) ?? [];
  if (bucket !== undefined && request.method === "POST") return await signMany(url, request, serve);
  if (request.method === "PUT" && url.pathname.includes("/upload/sign/")) return await uploadAlone(url, request, serve);
  const passed = isForm(request) ? await nameFile(url, request) : new Request(url, request);
  const response = await requestedRange.run(request.headers.get("range"), () => serve(passed));
  if (request.method === "POST" && response.ok && url.pathname.includes("/sign/")) return await renameSigned(response);
  return asDownload(withRangeStatus(response), url);
}

/** The fault of a signed address, in Supabase's words. Gap: lite answers 500 for one that was altered or has expired. */
function faultOfSignature({ pathname, searchParams }: URL, signingKey: SigningKey): string | undefined {
  const token = searchParams.get("token");
  if (token === null || !pathname.includes("/sign/")) return undefined;
  if (!verifyToken(token, signingKey)) return "signature verification failed";
  const { exp } = readClaims(token);
  return Number(exp) * 1000 < Date.now() ? '"exp" claim timestamp check failed' : undefined;
}

const uploadsUnderWay = new Set<string>();

/**
 * Gap: of two uploads at once to one signed address lite refuses the slower one after it has overwritten the bytes of the
 * other. Supabase keeps these bytes as another version of the file. Here the second upload is refused at once.
 */
async function uploadAlone(url: URL, request: Request, serve: Serve): Promise<Response> {
  if (uploadsUnderWay.has(url.pathname)) {
    await request.body?.cancel();
    const error = { statusCode: "409", error: "Duplicate", message: "The resource already exists" };
    return Response.json(error, { status: 400 });
  }
  uploadsUnderWay.add(url.pathname);
  try {
    return await serve(new Request(url, request));
  } finally {
    uploadsUnderWay.delete(url.pathname);
  }
}

function isForm(request: Request): boolean {
  return request.headers.get("content-type")?.startsWith("multipart/form-data") ?? false;
}

/** Gap: lite reads a form's file under the name `file`; supabase-js gives it an empty name, which Deno drops. */
async function nameFile(url: URL, request: Request): Promise<Request> {
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  const form = Buffer.from(await request.arrayBuffer()).toString("latin1");
  const body = Buffer.from(form.replace('name=""; filename=', 'name="file"; filename='), "latin1");
  return new Request(url, { method: request.method, headers, body });
}

/** Gap: lite takes a request to sign many files for one to sign a file without a name. So each file is signed alone. */
async function signMany(url: URL, request: Request, serve: Serve): Promise<Response> {
  const { expiresIn, paths } = manyToSign.parse(await request.json());
  const answers = await Promise.all(paths.map(async (path) => {
    const body = JSON.stringify({ expiresIn });
    const one = new Request(`${url.origin}${url.pathname}/${path}`, { method: "POST", headers: request.headers, body });
    const response = await serve(one);
    const answer: unknown = await response.json();
    const failed = { error: "Either the object does not exist or you do not have access to it", signedURL: null };
    return { error: null, path, ...(response.ok ? rename(answer) : failed) };
  }));
  return Response.json(answers);
}

/** Gap: lite answers `signedUrl` with the whole path; Supabase `signedURL` (`url` for an upload), from below its root. */
async function renameSigned(response: Response): Promise<Response> {
  return Response.json(rename(await response.json()), { status: response.status });
}

function rename(answer: unknown): object {
  if (typeof answer !== "object" || answer === null || !("signedUrl" in answer)) return {};
  const { signedUrl, ...rest } = answer;
  const path = typeof signedUrl === "string" && signedUrl !== "" ? signedUrl.replace(ROOT, "") : null;
  return { ...rest, signedURL: path, url: path };
}

/** Gap: lite knows no `?download`, with which Supabase tells the browser to save the file, by this name if there is one. */
function asDownload(response: Response, { pathname, searchParams }: URL): Response {
  const name = searchParams.get("download");
  if (name === null || !response.ok || !pathname.startsWith(`${ROOT}/object/`)) return response;
  const encoded = encodeURIComponent(name);
  const disposition = name === "" ? "attachment;" : `attachment; filename=${encoded}; filename*=UTF-8''${encoded};`;
  const headers = new Headers(response.headers);
  headers.set("content-disposition", disposition);
  return new Response(response.body, { status: response.status, headers });
}

/** Gap: lite answers every download with 200. A part of a file must be a 206, a part behind its end a 416. */
function withRangeStatus(response: Response): Response {
  const range = response.headers.get("content-range");
  if (range === null || response.status !== 200) return response;
  return new Response(response.body, { status: range.startsWith("bytes */") ? 416 : 206, headers: response.headers });
}
