// docs/api.md has every endpoint, every field of its request, every field of a job and every error code.
import assert from "node:assert/strict";
import { z } from "zod";
import { projectPath } from "../../local/machine/project.ts";
import { workerBody } from "../../supabase/functions/advance-jobs/handler.ts";
import { jobSchema } from "../../supabase/functions/_shared/database/records.ts";
import { requestErrors } from "../../supabase/functions/_shared/errors/request-errors.ts";
import { nodeVideoBody } from "../../supabase/functions/canvas/request.ts";
import { generateVideoBody } from "../../supabase/functions/generate-video/request.ts";
import { statusQuery } from "../../supabase/functions/get-video-status/handler.ts";
import { deleteBody as openvDeleteBody } from "../../supabase/functions/openv/delete.ts";
import { videosQuery } from "../../supabase/functions/openv/list.ts";
import { createBody } from "../../supabase/functions/openv/request.ts";
import { batchBody, transitionBody } from "../../supabase/functions/transitions/request.ts";
import { uploadBody } from "../../supabase/functions/uploads/handler.ts";
import { deleteBody } from "../../supabase/functions/videos/delete.ts";
import { listQuery } from "../../supabase/functions/videos/list.ts";
import { revocationQuery, shareBody } from "../../supabase/functions/videos/share.ts";

const page = await Deno.readTextFile(projectPath("docs/api.md"));
const config = await Deno.readTextFile(projectPath("supabase/config.toml"));

/** The schema of every request that has fields, by the heading of its endpoint. */
const REQUESTS: Readonly<Record<string, z.ZodType>> = {
  "POST generate-video": generateVideoBody,
  "GET get-video-status": statusQuery,
  "GET videos": listQuery,
  "DELETE videos": deleteBody,
  "POST videos/{job_id}/share": shareBody,
  "DELETE videos/{job_id}/share": revocationQuery,
  "POST uploads": uploadBody,
  "POST transitions/create-and-generate/": transitionBody,
  "POST canvas/api/ai/generate-video": nodeVideoBody,
  "POST openv/api/runpod": createBody,
  "GET openv/api/videos": videosQuery,
  "DELETE openv/api/videos": openvDeleteBody,
  "POST advance-jobs": workerBody,
};

/** Fields of the database's job that an answer does not have. */
const NOT_SHOWN = ["video_path", "thumbnail_path", "subtitles_path", "version"];

function sectionOf(heading: string): string {
  const [, section] = page.split(`\n## ${heading}\n`);
  assert.ok(section, `docs/api.md has no section "${heading}"`);
  return section.split("\n## ", 1)[0] ?? "";
}

/** The names of a schema's fields, with those of the objects inside. */
function fieldsOf(schema: z.ZodType): string[] {
  const names = new Set<string>();
  const collect = (node: unknown) => {
    if (typeof node !== "object" || node === null) return;
    if ("properties" in node && typeof node.properties === "object") {
      for (const name of Object.keys(node.properties ?? {})) names.add(name);
    }
    Object.values(node).forEach(collect);
  };
  collect(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }));
  return [...names];
}

/** The names that stand in a section's code, whole. */
function namesIn(section: string): Set<string> {
  const code = [...section.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text).join(" ");
  return new Set(code.match(/\w+/g));
}

for (const [heading, schema] of Object.entries(REQUESTS)) {
  Deno.test(`docs/api.md has every field of the request ${heading}`, () => {
    const fields = fieldsOf(schema);
    assert.ok(fields.length > 0);
    const written = namesIn(sectionOf(heading));
    assert.deepEqual(fields.filter((field) => !written.has(field)), []);
  });
}

Deno.test("docs/api.md has the one field of a batch", () => {
  assert.ok(
    namesIn(sectionOf("POST transitions/batch-create-and-generate/")).has(Object.keys(batchBody.shape)[0] ?? ""),
  );
});

Deno.test("docs/api.md has every field of a job", () => {
  const written = namesIn(sectionOf("GET get-video-status"));
  const fields = [...Object.keys(jobSchema.shape), ...Object.keys(jobSchema.shape.progress.shape)]
    .filter((field) => !NOT_SHOWN.includes(field));
  assert.deepEqual(fields.filter((field) => !written.has(field)), []);
});

Deno.test("docs/api.md has every error code with its status, and no other", () => {
  const rows = sectionOf("Errors").split("\n").filter((line) => /^\| \d/.test(line));
  const written = rows.flatMap((row) => {
    const [, status = "", codes = ""] = row.split("|");
    return [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => `${status.trim()} ${code}`);
  });
  const real = Object.entries(requestErrors).map(([code, { status }]) => `${status} ${code}`);
  assert.deepEqual(written.sort(), real.sort());
});

Deno.test("docs/api.md has a section for every function of supabase/config.toml, and no other", () => {
  const documented = [...page.matchAll(/^## (?:GET|POST|DELETE) ([\w-]+)/gm)].map(([, name]) => name);
  const deployed = [...config.matchAll(/^\[functions\.([\w-]+)\]/gm)].map(([, name]) => name);
  assert.deepEqual([...new Set(documented)].sort(), deployed.sort());
});
