import { z } from "zod";
import type { ImportedUser, ImportedVideo, Imports } from "../model/imports.ts";
import { RETENTION_DAYS } from "../model/limits.ts";
import type { Moment } from "../model/moment.ts";
import type { User } from "../model/user.ts";
import type { Random } from "../runtime/random.ts";
import { Violation } from "../runtime/violation.ts";
import { OLD_FILES } from "../world/earlier-system.ts";
import type { World } from "../world/world.ts";
import type { Journal, Operation } from "./journal.ts";
import type { VideoOperations } from "./video-operations.ts";

const SOURCE = "old-app";
const DAY_MS = 24 * 3_600_000;
const MOST_VIDEOS = 4;

const linkedSchema = z.array(z.object({
  id: z.string(),
  outcome: z.enum(["imported", "already", "left", "missing"]),
  user_id: z.string().nullable(),
}));
const countsSchema = z.object({
  imported: z.number(),
  already: z.number(),
  left: z.number(),
  expired: z.number().default(0),
});
type Counts = z.infer<typeof countsSchema>;

/** What the command that imports calls: users, balances and videos of an earlier system, again and again. */
export class ImportOperations {
  readonly #imports: Imports;
  #numbers = 0;

  constructor(
    private readonly world: World,
    private readonly operations: VideoOperations,
    private readonly random: Random,
    private readonly journal: Journal,
  ) {
    this.#imports = world.imports;
  }

  any(user: User): Operation {
    switch (this.random.weighted({ users: 3, credits: 3, videos: 5 })) {
      case "users":
        return this.link(user);
      case "credits":
        return this.credits();
      case "videos":
        return this.videos();
    }
  }

  /** The command is started twice: the same calls at once. Somebody whose videos are imported may leave meanwhile. */
  several(count: number, user: User): Operation[] {
    return Array.from({ length: count }, () => this.any(user));
  }

  /** Links some users: new ones, and some of before once more. */
  link(user: User): Operation {
    const { users } = this.#imports;
    const chosen = [
      ...(users.length === 0 || this.random.chance(0.7) ? [this.#newUser(user)] : []),
      ...[1, 2].flatMap(() => this.random.recent(users, 40) ?? []),
    ];
    const all = [...new Set(chosen)];
    return this.journal.operation(`import users ${all.map(({ sourceId }) => sourceId)}`, async (moment) => {
      const { client } = this.world.dependencies;
      const p_users = all.map(({ line }) => line);
      const linked = answered(await client.rpc("import_users", { p_source: SOURCE, p_users }), linkedSchema);
      if (linked === null) return;
      const done = moment();
      for (const { id, outcome, user_id } of linked) {
        const imported = all.find(({ sourceId }) => sourceId === id);
        if (imported === undefined) throw new Violation(`import_users answered for ${id}`);
        await this.#linked(imported, outcome, user_id, done);
      }
    });
  }

  credits(): Operation {
    const known = this.#some(2);
    return this.journal.operation(`import credits of ${known.map(({ sourceId }) => sourceId)}`, async (moment) => {
      if (known.length === 0) return;
      const { client } = this.world.dependencies;
      const p_credits = known.map(({ sourceId, amount }) => ({ user: sourceId, amount }));
      const booked = known.filter(({ isBooked, user }) => isBooked && user?.leaving === false).length;
      const counts = answered(await client.rpc("import_credits", { p_source: SOURCE, p_credits }), countsSchema);
      if (counts === null) return;
      const { started } = moment();
      const gone = known.filter(({ user }) => user !== null && user.goneSince < started).length;
      const leaving = known.filter(({ user }) => user?.leaving).length;
      const fits = counts.left >= gone && counts.left <= leaving && counts.already + leaving >= booked;
      this.#mustAddUp(counts, known.length, fits, "balances");
      for (const imported of known) imported.isBooked ||= imported.user?.leaving === false;
      this.#count("balance", counts);
    });
  }

  /** Writes finished videos: new ones, and some of before once more. */
  videos(): Operation {
    const owners = this.#some(2);
    const isRepeat = this.random.chance(0.4);
    const copies = this.random.chance(0.85);
    const fresh = isRepeat
      ? []
      : owners.flatMap((owner) =>
        Array.from({ length: this.random.whole(1, MOST_VIDEOS) }, () => this.#newVideo(owner))
      );
    const again = [1, 2, 3].flatMap(() => this.random.recent(this.#imports.videos, 60) ?? []);
    this.#imports.videos.push(...fresh);
    const all = [...new Set([...fresh, ...(isRepeat || this.random.chance(0.3) ? again : [])])];
    return this.journal.operation(`import videos ${all.map(({ line }) => line.id)}`, async (moment) => {
      if (all.length === 0) return;
      const { startedAt } = moment();
      const before = all.map((video) => ({ video, written: video.written, calls: ++video.calls }));
      for (const video of all) if (video.written === "no") video.written = "maybe";
      const { client } = this.world.dependencies;
      const lines = { p_source: SOURCE, p_videos: all.map(({ line }) => line), p_copy: copies };
      const counts = answered(await client.rpc("import_videos", lines), countsSchema);
      if (counts === null) return;
      const done = moment();
      this.#mustAddUp(counts, all.length, fitsVideos(before, counts, { ...done, startedAt }), "videos");
      for (const video of all) video.written = "yes";
      this.#count("video", counts);
      await this.#noteJobs(all, done);
    });
  }

  #newUser(user: User): ImportedUser {
    const { users, newAddresses } = this.#imports;
    const sourceId = `old-${users.length + 1}`;
    const kind = this.random.weighted({ new: 4, "by address": 3, "by id": 3 });
    const email = kind === "new" ? `${this.random.uuid()}@gmail.com` : user.email;
    if (kind === "new") newAddresses.push(email);
    const line = kind === "by id" ? { id: sourceId, user_id: user.id } : { id: sourceId, email };
    const imported = { sourceId, line, user: null, amount: this.random.whole(1, 30), isBooked: false, videos: [] };
    users.push(imported);
    return imported;
  }

  #newVideo(owner: ImportedUser): ImportedVideo {
    const number = ++this.#numbers;
    const status = this.random.chance(0.8) ? "completed" : "failed";
    const fate = this.random.pick(OLD_FILES);
    const hasThumbnail = status === "completed" && this.random.chance(0.6);
    const price = this.random.whole(0, 9);
    const completed = this.world.clock.now() - this.random.between(0, (RETENTION_DAYS + 0.5) * DAY_MS);
    const iso = (time: number) => new Date(time).toISOString();
    const line = {
      id: `v-${number}`,
      user: owner.sourceId,
      ...(this.random.chance(0.5) ? { job_id: this.random.uuid() } : {}),
      prompt: `An old film, number ${number}`,
      status,
      credits_used: price,
      ...(status === "completed" ? { video_url: this.world.earlierSystem.addressOf(fate, `v-${number}.mp4`) } : {}),
      ...(status === "failed" ? { error_message: "It did not work then" } : {}),
      ...(hasThumbnail ? { thumbnail_url: this.world.earlierSystem.addressOf(fate, `v-${number}.jpg`) } : {}),
      created_at: iso(completed - 60_000),
      completed_at: iso(completed),
    };
    const expected = {
      kind: "generation",
      price,
      extras: [],
      spare: [],
      subtitles: false,
      imported: { hasThumbnail },
    } as const;
    const variant = { body: {}, refusal: null, expected, uploads: [] };
    return { owner, line, written: "no", calls: 0, variant, isNoted: false };
  }

  /** Some users of whom an answer has said that they are imported. */
  #some(most: number): ImportedUser[] {
    const known = this.#imports.users.filter(({ user }) => user !== null);
    const count = this.random.whole(1, most);
    return [...new Set(Array.from({ length: count }, () => this.random.recent(known, 60) ?? []).flat())];
  }

  async #linked(imported: ImportedUser, outcome: string, userId: string | null, { started }: Moment): Promise<void> {
    this.world.counts.add("imports", `user ${outcome}`);
    const { user, line } = imported;
    if (outcome === "missing") {
      if (user !== null) throw new Violation(`${imported.sourceId} was imported and is missing`);
      if ("email" in line && this.#imports.newAddresses.includes(line.email)) await this.world.addUser(line.email);
      return;
    }
    if (outcome === "left" ? user?.leaving === false : user !== null && user.goneSince < started) {
      throw new Violation(`${imported.sourceId}, whose user ${user?.leaving ? "left" : "is there"}, was ${outcome}`);
    }
    if (outcome === "left") return;
    if (user !== null && user.id !== userId) throw new Violation(`${imported.sourceId} became another user`);
    imported.user ??= this.world.users.find(({ id }) => id === userId) ?? null;
  }

  /** Notes the jobs of imported videos: from now on their owners do with them what they do with others. */
  async #noteJobs(videos: readonly ImportedVideo[], done: Moment): Promise<void> {
    const unknown = videos.filter(({ isNoted, owner: { user } }) => !isNoted && user?.leaving === false);
    if (unknown.length === 0) return;
    const { sql, sequencer } = this.world;
    const rows = await sequencer.inTurn(async () =>
      await sql`
        select source_id, job_id from private.imported_videos
        where source = ${SOURCE} and source_id = any (${unknown.map(({ line }) => line.id)})`
    );
    const jobs = new Map(rows.map(({ source_id, job_id }) => [String(source_id), String(job_id)]));
    for (const video of unknown) {
      const [jobId, user] = [jobs.get(video.line.id), video.owner.user];
      if (jobId === undefined || user === null || video.isNoted) continue;
      video.isNoted = true;
      // It is deleted when its retention is over, from when it was finished there.
      this.operations.noteJob(user, jobId, video.variant, { ...done, startedAt: Date.parse(video.line.completed_at) });
    }
  }

  #mustAddUp({ imported, already, left, expired }: Counts, lines: number, fits: boolean, what: string): void {
    if (!fits || imported + already + left + expired !== lines) {
      throw new Violation(`${lines} ${what} were imported as ${JSON.stringify({ imported, already, left, expired })}`);
    }
  }

  #count(what: string, counts: Counts): void {
    for (const name of ["imported", "already", "left", "expired"] as const) {
      this.world.counts.add("imports", `${what} ${name}`, counts[name]);
    }
  }
}

/** What a procedure answered; null if the answer was lost, so that it is called again later. */
function answered<Output>(
  { data, error }: { data: unknown; error: unknown },
  schema: z.ZodType<Output>,
): Output | null {
  return error === null ? schema.parse(data) : null;
}

/** Whether the counts are those of the videos, where nothing else can have changed them meanwhile. */
function fitsVideos(
  before: readonly { video: ImportedVideo; written: ImportedVideo["written"]; calls: number }[],
  counts: Counts,
  { started, startedAt, finishedAt }: Moment,
): boolean {
  const expected: Counts = { imported: 0, already: 0, left: 0, expired: 0 };
  for (const { video, written, calls } of before) {
    const { user } = video.owner;
    const keptUntil = Date.parse(video.line.completed_at) + RETENTION_DAYS * DAY_MS;
    const isSure = written !== "maybe" && calls === video.calls && user !== null &&
      (!user.leaving || user.goneSince < started) &&
      (keptUntil < startedAt || keptUntil > finishedAt + 1000);
    if (!isSure) return true;
    if (user?.leaving) expected.left++;
    else if (keptUntil < startedAt) expected.expired++;
    else if (written === "yes") expected.already++;
    else expected.imported++;
  }
  return JSON.stringify(expected) === JSON.stringify({
    imported: counts.imported,
    already: counts.already,
    left: counts.left,
    expired: counts.expired,
  });
}
