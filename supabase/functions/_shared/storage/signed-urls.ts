import { toMediaError } from "./media-error.ts";
import type { StorageClient } from "./storage-client.ts";

/** The most paths that Storage signs in one call. */
const AT_ONCE = 500;

/** URLs by which anyone can read the files until they expire, by path; a file that is not there has none. */
export async function signedUrls(
  client: StorageClient,
  files: { bucket: string; paths: string[]; expiresInSeconds: number },
): Promise<Map<string, string>> {
  const urls = new Map<string, string>();
  for (let from = 0; from < files.paths.length; from += AT_ONCE) {
    const { data, error } = await client.storage.from(files.bucket)
      .createSignedUrls(files.paths.slice(from, from + AT_ONCE), files.expiresInSeconds);
    if (error) throw toMediaError(error);
    for (const { path, signedUrl } of data) if (path && signedUrl) urls.set(path, signedUrl);
  }
  return urls;
}

/** An address to which anyone can upload one new file, once, within two hours. */
export async function signedUpload(
  client: StorageClient,
  file: { bucket: string; path: string },
): Promise<{ url: string; token: string }> {
  const { data, error } = await client.storage.from(file.bucket).createSignedUploadUrl(file.path);
  if (error) throw toMediaError(error);
  return { url: data.signedUrl, token: data.token };
}
