import { z } from "zod";
import type { JobHistory } from "../model/job-history.ts";
import { checkLeaving, type User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";
import type { Journal, Operation } from "./journal.ts";
import type { OwnJob } from "./video-operations.ts";

const LIFE_SECONDS = 6 * 3600;

const linkSchema = z.object({ share_id: z.string(), url: z.string() });

/** A link that an owner was given. */
interface Link extends OwnJob {
  shareId: string;
  token: string;
  /** The event number at which its owner had it. */
  since: number;
  /** The simulated times between which it expires. */
  expires: { earliest: number; latest: number };
  /** Whether its revocation was asked, and the event number from which it is known to be revoked. */
  revocationAsked: boolean;
  revokedSince: number;
}

/** Links to videos: made, revoked, and opened by anyone. No link of a video that is gone may show it. */
export class ShareOperations {
  readonly #links: Link[] = [];

  constructor(private readonly world: World, private readonly random: Random, private readonly journal: Journal) {}

  /** Shares this video, or opens or revokes a link of before. */
  any(user: User, history: JobHistory): Operation {
    const link = this.random.recent(this.#links, 60);
    if (link === undefined) return this.share(user, history);
    switch (this.random.weighted({ share: 4, open: 5, revoke: 1 })) {
      case "share":
        return this.share(user, history);
      case "open":
        return this.open(link);
      case "revoke":
        return this.revoke(link);
    }
  }

  share(user: User, history: JobHistory): Operation {
    const expires = this.random.chance(0.3);
    return this.journal.operation(`share u${user.index} ${history.jobId}`, async (moment) => {
      const answer = await this.world.endpoints.call("videos", {
        path: `/${history.jobId}/share`,
        userId: user.id,
        body: JSON.stringify(expires ? { expires_in_seconds: LIFE_SECONDS } : {}),
      });
      const done = moment();
      if (checkLeaving(user, true, answer.code, done)) return;
      if (answer.code === "not_shareable" || (answer.status >= 500 && done.disturbed)) return;
      if (answer.status === 404 && history.mayBeGone(done.finishedAt)) return;
      if (answer.status !== 200 || history.goneSince < done.started) {
        throw new Violation(`The request to share ${history.jobId} was answered ${answer.status}`);
      }
      if (history.expected.imported !== undefined) this.world.counts.add("imports", "shared");
      const { share_id, url } = linkSchema.parse(answer.body);
      const ends = (from: number) => expires ? from + LIFE_SECONDS * 1000 : Infinity;
      this.#links.push({
        user,
        history,
        shareId: share_id,
        token: url.replace(/.*\//, ""),
        since: done.finished,
        expires: { earliest: ends(done.startedAt), latest: ends(done.finishedAt) },
        revocationAsked: false,
        revokedSince: Infinity,
      });
    });
  }

  /** Revokes one link, or all of its video. */
  revoke({ user, history, shareId }: Link): Operation {
    const one = this.random.chance(0.5);
    return this.journal.operation(`revoke u${user.index} ${history.jobId}`, async (moment) => {
      const links = this.#links.filter((link) => one ? link.shareId === shareId : link.history === history);
      for (const link of links) link.revocationAsked = true;
      if (!one) history.revocationAsked = true;
      const answer = await this.world.endpoints.call("videos", {
        method: "DELETE",
        path: `/${history.jobId}/share${one ? `?share_id=${shareId}` : ""}`,
        userId: user.id,
      });
      const done = moment();
      if (checkLeaving(user, true, answer.code, done) || (answer.status >= 500 && done.disturbed)) return;
      if (answer.status === 404 && history.mayBeGone(done.finishedAt)) return;
      if (answer.status !== 200) throw new Violation(`A revocation was answered ${answer.status}`);
      // A link whose request is still under way may be made after the revocation, and is not among these.
      for (const link of links) link.revokedSince = Math.min(link.revokedSince, done.finished);
    });
  }

  /** Anyone opens a link. */
  open(link: Link): Operation {
    const { token, history, user } = link;
    return this.journal.operation(`open ${history.jobId}`, async (moment) => {
      const answer = await this.world.endpoints.call("share", { method: "GET", path: `/${token}` });
      const done = moment();
      if (answer.status >= 500 && done.disturbed) return;
      const isOver = [history.goneSince, user.goneSince, link.revokedSince].some((since) => since < done.started) ||
        link.expires.latest <= done.startedAt;
      const mayBeOver = history.mayBeGone(done.finishedAt) || user.leaving || link.revocationAsked ||
        link.expires.earliest <= done.finishedAt;
      if (answer.status === 302 && !isOver) return;
      if (answer.status === 404 && mayBeOver) return;
      throw new Violation(
        `A link to ${history.jobId}, ${isOver ? "" : "not "}known to be over, answered ${answer.status}`,
      );
    });
  }

  /** At the end, without faults: every link once more. */
  allOnceMore(): Operation[] {
    return this.#links.map((link) => this.open(link));
  }
}
