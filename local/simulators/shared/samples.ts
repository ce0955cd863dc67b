const mp4 = await Deno.readFile(new URL("sample.mp4", import.meta.url));
const jpg = await Deno.readFile(new URL("sample.jpg", import.meta.url));
const mp3 = await Deno.readFile(new URL("sample.mp3", import.meta.url));

/** A kind of sample file, by its extension. */
export type SampleKind = "mp4" | "jpg" | "mp3";

const files = { mp4, jpg, mp3 };
/** Written on the fly in pieces of this size. */
const PIECE_BYTES = 64 * 1024;
/** A `free` box with a 64-bit length: 4 bytes `1`, the name, 8 bytes of length. */
const FREE_BOX_HEADER_BYTES = 16;

/** What is known of the sample files. */
export const SAMPLE = {
  seconds: 4,
  fps: 24,
  width: 640,
  height: 360,
  bytes: { mp4: mp4.length, jpg: jpg.length, mp3: mp3.length },
  contentTypes: { mp4: "video/mp4", jpg: "image/jpeg", mp3: "audio/mpeg" },
};

/** The size that a sample really has when a size is asked for. */
export function sampleBytes(kind: SampleKind, asked?: number): number {
  const sample = files[kind].length;
  return kind === "mp4" && asked !== undefined && asked >= sample + FREE_BOX_HEADER_BYTES ? asked : sample;
}

/**
 * The bytes from `start` to `end` (exclusive) of a sample of `total` bytes. Beyond the sample comes one `free` box of
 * zeros, which players skip, so a film of any size plays and none is held in memory.
 */
export function* readSample(kind: SampleKind, total: number, start: number, end: number): Generator<Uint8Array> {
  const head = total > files[kind].length ? withFreeBox(files[kind], total) : files[kind];
  const zeros = new Uint8Array(PIECE_BYTES);
  for (let at = start; at < end;) {
    const piece = at < head.length
      ? head.subarray(at, Math.min(end, head.length))
      : zeros.subarray(0, Math.min(PIECE_BYTES, end - at));
    yield piece;
    at += piece.length;
  }
}

function withFreeBox(sample: Uint8Array, total: number): Uint8Array {
  const head = new Uint8Array(sample.length + FREE_BOX_HEADER_BYTES);
  head.set(sample);
  const box = new DataView(head.buffer, sample.length);
  box.setUint32(0, 1);
  box.setUint32(4, 0x66726565); // "free"
  box.setBigUint64(8, BigInt(total - sample.length));
  return head;
}
