import type { AdminClient } from "../_shared/database/client.ts";
import { readShare, type Share } from "../_shared/database/shares.ts";
import { limitReached } from "../_shared/errors/limit-reached.ts";
import { RequestError } from "../_shared/errors/request-errors.ts";
import type { Handler, RequestContext } from "../_shared/http/endpoint.ts";
import { pathBelow } from "../_shared/http/path.ts";
import { VIDEO_BUCKET } from "../_shared/jobs/buckets.ts";
import { shareUrl } from "../_shared/jobs/share-url.ts";
import type { Environment } from "../_shared/runtime/environment.ts";
import { asDownload, fileName } from "../_shared/storage/download-name.ts";
import { SignedUrlCache } from "../_shared/storage/signed-url-cache.ts";
import { signedUrls } from "../_shared/storage/signed-urls.ts";
import { callerOf } from "./caller.ts";
import { gonePage, sharePage } from "./page.ts";
import { RateLimit } from "./rate-limit.ts";
import { urlLife } from "./url-life.ts";

/** What `private.create_share` makes; anything else is refused without asking the database. */
const TOKEN = /^[A-Za-z0-9_-]{32}$/;
/** Openings of one link by one caller, in one minute and instance. */
const OPENINGS_PER_CALLER = 600;
/**
 * Openings of one link by all callers together. Who has many addresses, or could invent them, costs no more than this; and
 * nobody with fewer than ten can keep others from a link.
 */
const OPENINGS_PER_LINK = 6_000;

interface ShareDependencies {
  client: AdminClient;
  environment: Environment;
}

/**
 * GET /share/{token}[/thumbnail|/subtitles|/page]: redirects to a signed URL of the file, or shows the page of the video. A
 * link that is revoked, expired or unknown, or whose video is gone, is one and the same 404; to people a page that says so.
 */
export function createShare(connect: () => ShareDependencies): Handler<RequestContext> {
  const ofCallers = new RateLimit(OPENINGS_PER_CALLER);
  const ofLinks = new RateLimit(OPENINGS_PER_LINK);
  const urls = new SignedUrlCache();
  let connected: ShareDependencies | undefined;
  const connection = () => connected ??= connect();

  async function addressOf(context: RequestContext, client: AdminClient, share: Share, part: string) {
    const file = fileOf(share, part);
    if (file.path === null) return file.url;
    const signed = await urls.get(
      [file.path],
      urlLife(share.seconds_left, Date.now()),
      (paths, expiresInSeconds) =>
        context.timing.measure("storage", () => signedUrls(client, { bucket: VIDEO_BUCKET, paths, expiresInSeconds })),
    );
    return signed.get(file.path) ?? null;
  }

  /** What the link shows; null where it shows nothing. Each call counts as one opening. */
  async function shareOf(context: RequestContext, request: Request, token: string): Promise<Share | null> {
    // First the caller: what is refused to one is not counted against the link.
    take(ofCallers, `${token} ${callerOf(request.headers)}`);
    take(ofLinks, token);
    const { client } = connection();
    // At each request, so that a link ends at once. Only what Storage signed is kept.
    return await readShare({ client, timing: context.timing }, token);
  }

  return async (context, request) => {
    const [token = "", part = "video", ...rest] = pathBelow(request);
    if (rest.length > 0 || !isPart(part)) throw new RequestError("not_found");
    const share = TOKEN.test(token) ? await shareOf(context, request, token) : null;
    if (share === null) {
      if (part !== "page") throw new RequestError("not_found");
      context.logFields.code = "not_found";
      return gonePage(context.language);
    }
    context.logFields.job_id = share.job_id;
    const { client, environment } = connection();
    if (part === "page") return sharePage(share, shareUrl(environment, { url: share.url, token }));
    const address = await addressOf(context, client, share, part);
    if (address === null) throw new RequestError("not_found");
    return redirect(part === "video" ? named(share, address, request) : address);
  };
}

/** Counts one opening, or throws `too_many_requests`. */
function take(openings: RateLimit, key: string): void {
  const wait = openings.take(key);
  if (wait > 0) throw limitReached({ outcome: "too_many_requests", limit: openings.limit, retry_after: wait }, {}, 0);
}

const PARTS: ReadonlySet<string> = new Set(["video", "thumbnail", "subtitles", "page"]);

/** The video has no path of its own: one address for one file. */
function isPart(part: string): boolean {
  return PARTS.has(part);
}

/** Where a part is: in our bucket, otherwise at the provider. */
function fileOf(share: Share, part: string): { path: string | null; url: string | null } {
  if (part === "thumbnail") return { path: share.thumbnail_path, url: share.thumbnail_url };
  if (part === "subtitles") return { path: share.subtitles_path, url: null };
  return { path: share.video_path, url: share.video_url };
}

/** With `?download`, the address of a file to be saved. Other parameters are let be: social networks append theirs. */
function named(share: Share, address: string, request: Request): string {
  const wish = new URL(request.url).searchParams.get("download");
  if (wish === null || share.video_path === null) return address;
  const title = share.title ?? "";
  return asDownload(address, fileName(wish === "" || wish === "1" || wish === "true" ? title : wish, "video", ".mp4"));
}

function redirect(location: string): Response {
  return new Response(null, {
    status: 302,
    headers: {
      "Location": location,
      "Cache-Control": "no-store",
      // The address of the link is a secret that the next server does not need.
      "Referrer-Policy": "no-referrer",
      "X-Robots-Tag": "noindex",
    },
  });
}
