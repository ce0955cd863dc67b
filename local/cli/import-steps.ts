import type { ImportFile } from "./import-lines.ts";
import type { Counts, ImportProject } from "./import-project.ts";

/** Lines in one call, which is one transaction. */
const BATCH = 500;
const USERS_CREATED_AT_A_TIME = 8;

/** What an import did. */
export interface ImportResult {
  users: Counts;
  credits: Counts;
  videos: Counts;
}

export type ShowProgress = (percent: number, text: string) => void;

function inBatches<Line>(lines: readonly Line[], size = BATCH): Line[][] {
  return Array.from({ length: Math.ceil(lines.length / size) }, (_, at) => lines.slice(at * size, (at + 1) * size));
}

/** Asks the database about every line that may be written, and refuses the users of those that it would not take. */
export async function checkWithDatabase(file: ImportFile, project: ImportProject, show: ShowProgress): Promise<void> {
  const { users, videos } = file.accepted();
  const batches = inBatches([...users, ...videos.map(withoutContent)]);
  for (const [at, batch] of batches.entries()) {
    for (const { line, problem } of await project.problems(batch)) file.refuse(line, problem);
    show(Math.floor((at + 1) * 100 / batches.length), "checked");
  }
}

/** What the check reads of a video. */
function withoutContent({ type, line, id, user, model_id, job_id }: {
  type: "video";
  line: number;
  id: string;
  user: string;
  model_id?: string | undefined;
  job_id?: string | undefined;
}) {
  return { type, line, id, user, model_id, job_id };
}

/** Writes the users, then their balances, then their videos. Safe to repeat, also after it was stopped. */
export async function writeImport(
  file: ImportFile,
  project: ImportProject,
  { copy, show }: { copy: boolean; show: ShowProgress },
): Promise<ImportResult> {
  const { users, credits, videos } = file.accepted();
  const result: ImportResult = { users: none(), credits: none(), videos: none() };
  const balances = credits.filter(({ amount }) => amount > 0);
  const total = users.length + balances.length + videos.length;
  let done = 0;
  const advance = (lines: number) => {
    done += lines;
    const written = result.users.imported + result.credits.imported + result.videos.imported;
    show(Math.floor(done * 100 / total), `${done} of ${total} lines done, ${written} of them written`);
  };
  for (const batch of inBatches(users)) {
    await importUsers(batch, project, result.users);
    advance(batch.length);
  }
  for (const batch of inBatches(balances)) {
    add(result.credits, await project.importCredits(batch));
    advance(batch.length);
  }
  for (const batch of inBatches(videos)) {
    add(result.videos, await project.importVideos(batch, copy));
    advance(batch.length);
  }
  return result;
}

interface UserLine {
  id: string;
  email?: string | undefined;
}

async function importUsers(users: readonly UserLine[], project: ImportProject, counts: Counts): Promise<void> {
  const linked = await project.linkUsers(users);
  const missing = new Set(linked.filter(({ outcome }) => outcome === "missing").map(({ id }) => id));
  const toCreate = users.filter(({ id }) => missing.has(id));
  for (const group of inBatches(toCreate, USERS_CREATED_AT_A_TIME)) {
    await Promise.all(group.map(({ email = "" }) => project.createUser(email)));
  }
  const created = toCreate.length === 0 ? [] : await project.linkUsers(toCreate);
  for (const { id, outcome } of [...linked.filter(({ id }) => !missing.has(id)), ...created]) {
    if (outcome === "missing") throw new Error(`Auth did not confirm the address of the user ${id}.`);
    counts[outcome]++;
  }
}

function none(): Counts {
  return { imported: 0, already: 0, left: 0, expired: 0 };
}

function add(total: Counts, counts: Counts): void {
  total.imported += counts.imported;
  total.already += counts.already;
  total.left += counts.left;
  total.expired += counts.expired;
}
