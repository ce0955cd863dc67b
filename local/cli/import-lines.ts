import { Buffer } from "node:buffer";
import { z } from "zod";

/** A line that is not taken, by its number in the file. */
export interface WrongLine {
  line: number;
  problem: string;
}

const MAX_DEPTH = 100;
const MAX_CREDITS = 1_000_000_000;
/** As for the settings of new jobs. */
const MAX_SETTINGS_BYTES = 262_144;

/** Why Postgres does not store a value: it takes neither zero characters nor halves of a surrogate pair. */
function storageProblem(value: unknown, depth = 0): string | undefined {
  if (typeof value === "string") {
    return value.includes("\0") || !value.isWellFormed() ? "has a character that Postgres does not store" : undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === MAX_DEPTH) return `is nested deeper than ${MAX_DEPTH} levels`;
  for (const [key, entry] of Object.entries(value)) {
    const problem = storageProblem(key) ?? storageProblem(entry, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

const text = (length: number) => z.string().min(1).max(length);
const id = z.union([text(200), z.int().transform(String)]);
// What is no time or address is not checked further: the next checks would name faults that it does not have.
const WRONG_TIME = { error: "must be a time such as 2024-01-15T10:30:00Z", abort: true };
const time = z.iso.datetime({ offset: true, ...WRONG_TIME })
  // Postgres takes no year 0, and no zone that is 16 hours away.
  .regex(/^(?!0000).*(Z|[+-](0\d|1[0-5]):\d\d)$/, WRONG_TIME)
  .refine((value) => Date.parse(value) <= Date.now(), "is in the future");
const address = z.url({ protocol: /^https?$/, error: "must be an address of the web", abort: true }).max(2048)
  .refine((value) => new URL(value).username + new URL(value).password === "", "must have no name and no password");
const settings = z.record(z.string(), z.unknown()).default({})
  .refine((value) => new Blob([JSON.stringify(value)]).size <= MAX_SETTINGS_BYTES, "must be smaller than 256 KiB");

const userSchema = z.strictObject({
  type: z.literal("user"),
  id,
  email: z.email().max(320).transform((email) => email.toLowerCase()).optional(),
  user_id: z.uuid().optional(),
}).refine(({ email, user_id }) => (email === undefined) !== (user_id === undefined), "needs email or user_id");

const creditsSchema = z.strictObject({
  type: z.literal("credits"),
  user: id,
  amount: z.int().min(0).max(MAX_CREDITS),
});

const videoSchema = z.strictObject({
  type: z.literal("video"),
  id,
  user: id,
  job_id: z.uuid().optional(),
  kind: z.enum(["generation", "transition"]).default("generation"),
  prompt: text(5000),
  model_id: z.uuid().optional(),
  model: text(200).optional(),
  settings,
  image_url: address.optional(),
  node_id: text(128).optional(),
  status: z.enum(["completed", "failed"]),
  credits_used: z.int().min(0).max(MAX_CREDITS).default(0),
  video_url: address.optional(),
  thumbnail_url: address.optional(),
  error_message: text(1000).optional(),
  created_at: time,
  completed_at: time.optional(),
}).refine(({ status, video_url }) => status === "failed" || video_url !== undefined, "needs its video_url")
  .refine(
    ({ status, video_url }) => status === "completed" || video_url === undefined,
    "failed, so it has no video_url",
  )
  .refine(
    ({ created_at, completed_at }) => completed_at === undefined || Date.parse(completed_at) >= Date.parse(created_at),
    "was completed before it was created",
  )
  .transform((video) => ({ ...video, completed_at: video.completed_at ?? video.created_at }));

const lineSchema = z.discriminatedUnion("type", [userSchema, creditsSchema, videoSchema]);
export type ImportLine = z.infer<typeof lineSchema> & { line: number };
type Of<Type extends ImportLine["type"]> = Extract<ImportLine, { type: Type }>;

/** Whose line it is, as far as a wrong line tells. */
const ownerSchema = z.union([
  z.object({ type: z.literal("user"), id }).transform((line) => line.id),
  z.object({ user: id }).transform(({ user }) => user),
]);

/** All that is wrong with a line, each fault once. */
function problemsOf({ issues }: z.ZodError): string {
  const problems = issues.map(({ path, message }) =>
    [path.join("."), message].filter((part) => part !== "").join(": ")
  );
  return [...new Set(problems)].join("; ");
}

/** A file of lines, checked. */
export class ImportFile {
  readonly users = new Map<string, Of<"user">>();
  readonly credits = new Map<string, Of<"credits">>();
  readonly videos = new Map<string, Of<"video">>();
  readonly wrong: WrongLine[] = [];
  /** Users of whom nothing is written, since one of their lines is wrong. */
  readonly refused = new Set<string>();
  /** Whether a line is wrong that does not tell whose it is. */
  hasStray = false;
  readonly #owners = new Map<number, string>();
  /** Emails and ids that one line may have only. */
  readonly #taken = new Set<string>();

  /** Names a wrong line; nothing of its user is written. */
  refuse(line: number, problem: string): void {
    this.wrong.push({ line, problem });
    const owner = this.#owners.get(line);
    if (owner === undefined) this.hasStray = true;
    else this.refused.add(owner);
  }

  add(source: string, line: number): void {
    let value: unknown;
    try {
      value = JSON.parse(source);
    } catch {
      return this.refuse(line, "is not JSON");
    }
    const owner = ownerSchema.safeParse(value);
    if (owner.success) this.#owners.set(line, owner.data);
    const problem = storageProblem(value);
    if (problem !== undefined) return this.refuse(line, problem);
    const parsed = lineSchema.safeParse(value);
    if (!parsed.success) {
      return this.refuse(line, problemsOf(parsed.error));
    }
    this.#keep({ ...parsed.data, line });
  }

  #keep(line: ImportLine): void {
    if (line.type === "credits") return this.#keepOnce(this.credits, line.user, line, "this user has another balance");
    if (line.type === "video") {
      if (this.#isTaken(line.job_id)) return this.refuse(line.line, "job_id: another video of the file has this id");
      return this.#keepOnce(this.videos, line.id, line, "this video has another line");
    }
    if (this.#isTaken(line.email)) return this.refuse(line.line, "email: another user of the file has this address");
    if (this.#isTaken(line.user_id)) return this.refuse(line.line, "user_id: another user of the file has this id");
    this.#keepOnce(this.users, line.id, line, "this user has another line");
  }

  #isTaken(key: string | undefined): boolean {
    if (key === undefined) return false;
    const isTaken = this.#taken.has(key.toLowerCase());
    this.#taken.add(key.toLowerCase());
    return isTaken;
  }

  #keepOnce<Line extends ImportLine>(lines: Map<string, Line>, key: string, line: Line, problem: string): void {
    if (lines.has(key)) return this.refuse(line.line, problem);
    lines.set(key, line);
  }

  /** Refuses the lines of users that have no line of their own. Call it after the last line. */
  finish(): void {
    for (const { line, user } of [...this.credits.values(), ...this.videos.values()]) {
      if (!this.users.has(user) && !this.refused.has(user)) {
        this.wrong.push({ line, problem: `no line of user ${user}` });
      }
    }
    for (const { user } of [...this.credits.values(), ...this.videos.values()]) {
      if (!this.users.has(user)) this.refused.add(user);
    }
  }

  /** The lines that may be written. */
  accepted(): { users: Of<"user">[]; credits: Of<"credits">[]; videos: Of<"video">[] } {
    const isAccepted = ({ user }: { user: string }) => !this.refused.has(user);
    return {
      users: [...this.users.values()].filter(({ id }) => !this.refused.has(id)),
      credits: [...this.credits.values()].filter(isAccepted),
      videos: [...this.videos.values()].filter(isAccepted),
    };
  }
}

const NEWLINE = 10;
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/** The text of these bytes; null where they are not UTF-8. */
function decode(bytes: Uint8Array): string | null {
  try {
    return UTF8.decode(bytes);
  } catch {
    return null;
  }
}

/** Reads and checks every line of a file. */
export async function readImportFile(path: string): Promise<ImportFile> {
  const file = new ImportFile();
  let parts: Uint8Array[] = [];
  let line = 0;
  const take = () => {
    line++;
    const source = decode(Buffer.concat(parts));
    parts = [];
    if (source === null) file.refuse(line, "is not UTF-8");
    else if (source.trim() !== "") file.add(source, line);
  };
  for await (const chunk of (await Deno.open(path)).readable) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      parts.push(chunk.subarray(start, end));
      take();
      start = end + 1;
    }
    // A copy: the rest of a chunk would keep all of it.
    parts.push(chunk.slice(start));
  }
  take();
  file.finish();
  return file;
}
