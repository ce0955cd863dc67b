/** Files as users upload them: the first bytes are real, what follows is text that a test can find again. */

const text = (bytes: string) => Uint8Array.from(bytes, (character) => character.charCodeAt(0));

export const png = (content = ""): Uint8Array<ArrayBuffer> => text(`\x89PNG\r\n\x1a\n\0\0\0\rIHDR${content}`);
export const html = (length = 0): Uint8Array<ArrayBuffer> =>
  text("<!doctype html><title>Free hosting</title>".padEnd(length));
