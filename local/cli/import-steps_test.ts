import assert from "node:assert/strict";
import { ImportFile } from "./import-lines.ts";
import type { Counts, ImportProject } from "./import-project.ts";
import { writeImport } from "./import-steps.ts";

/** A project that has imported these lines before, or not. */
function project(outcome: "imported" | "already"): ImportProject {
  const counts = (lines: readonly unknown[]): Promise<Counts> =>
    Promise.resolve({ imported: 0, already: 0, left: 0, expired: 0, [outcome]: lines.length });
  return {
    problems: () => Promise.resolve([]),
    linkUsers: (users) => Promise.resolve(users.map((_, at) => ({ id: String(at), outcome }))),
    createUser: () => Promise.reject(new Error("each has an account")),
    importCredits: counts,
    importVideos: counts,
  };
}

for (const [outcome, written] of [["imported", [1, 2, 4]], ["already", [0, 0, 0]]] as const) {
  Deno.test(`of lines that are ${outcome} the progress says how many were written`, async () => {
    const file = new ImportFile();
    const video = { type: "video", user: "1", prompt: "A cat", status: "failed", created_at: "2024-01-15T10:30:00Z" };
    const lines = [
      { type: "user", id: "1", email: "one@example.com" },
      { type: "credits", user: "1", amount: 5 },
      { ...video, id: "a" },
      { ...video, id: "b" },
    ];
    for (const [at, line] of lines.entries()) file.add(JSON.stringify(line), at + 1);
    const shown: string[] = [];
    await writeImport(file, project(outcome), { copy: false, show: (_, text) => shown.push(text) });
    assert.deepEqual(
      shown,
      [1, 2, 4].map((done, at) => `${done} of 4 lines done, ${written[at]} of them written`),
    );
  });
}
