import { resolveEnv } from "@supabase/server/core";
import type { Share } from "../_shared/database/shares.ts";
import { type Language, sentences } from "../_shared/errors/languages.ts";

/** A player's height in pixels; its width follows from the shape of the video. */
const HEIGHT = 720;
const GONE = sentences("This link no longer works", "Bu bağlantı artık çalışmıyor", "Este enlace ya no funciona");

/**
 * The page of a link, for people, players and the previews of chats and social networks (Open Graph, Twitter cards). It
 * shows the title that the owner gave and nothing else about the video or its owner. It runs no script.
 */
export function sharePage(share: Share, url: string): Response {
  const nonce = crypto.randomUUID();
  const policy = securityPolicy(nonce, [share.video_url, share.thumbnail_url]);
  return htmlPage(pageHtml(share, url, nonce), policy, 200);
}

/** What people see at a link that is revoked, expired or unknown, or whose video is gone. */
export function gonePage(language: Language): Response {
  const nonce = crypto.randomUUID();
  return htmlPage(gonePageHtml(language, nonce), securityPolicy(nonce, []), 404);
}

function htmlPage(html: string, policy: string, status: number): Response {
  return new Response(html, {
    status,
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": policy,
      "Cache-Control": "no-store",
      "Referrer-Policy": "no-referrer",
      "X-Content-Type-Options": "nosniff",
      "X-Robots-Tag": "noindex",
    },
  });
}

/** Networks show the page in a frame of theirs, so `frame-ancestors` stays open. */
function securityPolicy(nonce: string, providerUrls: readonly (string | null)[]): string {
  const { data: project } = resolveEnv();
  const addresses = [project?.url, ...providerUrls];
  const origins = addresses.flatMap((address) => address && URL.canParse(address) ? [new URL(address).origin] : []);
  const sources = ["'self'", ...new Set(origins)].join(" ");
  return [
    "default-src 'none'",
    `media-src ${sources}`,
    `img-src ${sources}`,
    `style-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function pageHtml(share: Share, url: string, nonce: string): string {
  const title = share.title ?? "Video";
  const thumbnail = share.thumbnail_path ?? share.thumbnail_url;
  const [width, height] = sizeOf(share);
  const tags: [name: string, content: string | number][] = [
    ["og:type", "video.other"],
    ["og:title", title],
    ["og:url", `${url}/page`],
    ["og:video", url],
    ["og:video:secure_url", url],
    ["og:video:type", "video/mp4"],
    ["og:video:width", width],
    ["og:video:height", height],
    ["twitter:card", "player"],
    ["twitter:title", title],
    ["twitter:player", `${url}/page`],
    ["twitter:player:width", width],
    ["twitter:player:height", height],
    ["twitter:player:stream", url],
    ["twitter:player:stream:content_type", "video/mp4"],
    ...(thumbnail === null ? [] : [["og:image", `${url}/thumbnail`], ["twitter:image", `${url}/thumbnail`]] as const)
      .map(([name, content]): [string, string] => [name, content]),
  ];
  return `<!doctype html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escape(title)}</title>
${tags.map(([name, content]) => metaTag(name, String(content))).join("\n")}
<style nonce="${nonce}">
html, body { height: 100%; margin: 0; background: #000; }
video { display: block; width: 100%; height: 100%; }
</style>
</head>
<body>
${videoTag(share, url, thumbnail !== null)}
</body>
</html>
`;
}

function gonePageHtml(language: Language, nonce: string): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${GONE[language]}</title>
<style nonce="${nonce}">
body { margin: 0; padding: 40vh 1rem; background: #000; color: #fff; font: 1.25rem sans-serif; text-align: center; }
</style>
</head>
<body>
<p>${GONE[language]}</p>
</body>
</html>
`;
}

/** Open Graph's tags have a \`property\`, all others a \`name\`. */
function metaTag(name: string, content: string): string {
  return `<meta ${name.startsWith("og:") ? "property" : "name"}="${name}" content="${escape(content)}">`;
}

function videoTag(share: Share, url: string, hasThumbnail: boolean): string {
  const hasSubtitles = share.subtitles_path !== null;
  const attributes = [
    'controls playsinline preload="metadata"',
    `src="${escape(url)}"`,
    ...(hasThumbnail ? [`poster="${escape(url)}/thumbnail"`] : []),
    // Browsers read subtitles from another host only so. Our Storage allows it; a provider may not.
    ...(hasSubtitles && share.video_path !== null ? ['crossorigin="anonymous"'] : []),
  ];
  // Subtitles that are in the picture too would be seen twice.
  const shown = share.has_drawn_subtitles ? "" : " default";
  const track = hasSubtitles ? `<track kind="captions"${shown} src="${escape(url)}/subtitles">` : "";
  return `<video ${attributes.join(" ")}>${track}</video>`;
}

/** Width and height in the shape that was asked for; 16:9 where the model chose it. */
function sizeOf({ aspect_ratio }: Share): [width: number, height: number] {
  const [, across, down] = /^(\d{1,2}):(\d{1,2})$/.exec(String(aspect_ratio)) ?? [];
  const shape = Number(across) > 0 && Number(down) > 0 ? Number(across) / Number(down) : 16 / 9;
  return [Math.round(HEIGHT * shape), HEIGHT];
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;").replaceAll("'", "&#39;");
}
