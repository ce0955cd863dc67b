/** The most characters of a name; with four bytes each and its ending it fits every file system. */
const MOST_CHARACTERS = 60;

/** A wish as a file name that is safe on every system; `fallback` if nothing of it is left. */
export function fileName(wish: string, fallback: string, ending: string): string {
  // Without invisible characters: among them are those that turn the direction of the text around.
  const visible = wish.toWellFormed().normalize("NFC").replaceAll(/\s+/g, " ").replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "");
  const safe = trimmed(visible.replaceAll(/[/\\:*?"'<>|;%#&`$]/g, "_"));
  const base = safe.toLowerCase().endsWith(ending) ? trimmed(safe.slice(0, -ending.length)) : safe;
  return `${trimmed([...base].slice(0, MOST_CHARACTERS).join("")) || fallback}${ending}`;
}

/** Systems hide a name that begins with a dot, and drop dots and spaces at its end. */
function trimmed(name: string): string {
  return name.replaceAll(/^[. ]+|[. ]+$/g, "");
}

/**
 * A signed URL whose file the browser saves under this name. Storage does not sign the name. Storage-js would encode it
 * twice.
 */
export function asDownload(signedUrl: string, name: string): string {
  const url = new URL(signedUrl);
  url.searchParams.set("download", name);
  return url.href;
}
