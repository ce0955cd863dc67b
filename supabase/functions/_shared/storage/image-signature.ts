/** The types of images that users may upload, as the bucket of uploads takes them. */
export const IMAGE_TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif"] as const;
export type ImageType = (typeof IMAGE_TYPES)[number];

/** The number of first bytes that show a file's type. */
export const SIGNATURE_BYTES = 12;

/** The type of an image by its first bytes; null for anything else. */
export function imageTypeOf(bytes: Uint8Array): ImageType | null {
  const start = String.fromCharCode(...bytes.subarray(0, SIGNATURE_BYTES));
  if (start.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (start.startsWith("\x89PNG\r\n\x1a\n")) return "image/png";
  if (/^RIFF[^]{4}WEBP/.test(start)) return "image/webp";
  return /^GIF8[79]a/.test(start) ? "image/gif" : null;
}
