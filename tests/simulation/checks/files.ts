import { z } from "zod";
import { SAMPLE } from "../../../local/simulators/shared/samples.ts";
import { Violation } from "../runtime/violation.ts";
import type { World } from "../world/world.ts";

const completed = z.array(z.object({
  job_id: z.string(),
  user_id: z.string(),
  video_path: z.string().nullable(),
  video_url: z.string().nullable(),
  thumbnail_path: z.string().nullable(),
  thumbnail_url: z.string().nullable(),
  subtitles_path: z.string().nullable(),
  wants_subtitles: z.boolean(),
  run_url: z.string(),
  thumbnail_is_open: z.boolean(),
  imported_from: z.string().nullable(),
}));
type Completed = z.infer<typeof completed>[number];

/** A completed job has its files: in our bucket with the size of the provider's file, or at the provider. */
export async function checkFiles(world: World): Promise<void> {
  const jobs = completed.parse([
    ...await world.sql`
      select *, coalesce((settings ->> 'enable_subtitles')::boolean, false) as wants_subtitles,
        artifacts -> 'video' ->> 'url' as run_url,
        exists (select from private.thumbnail_work where thumbnail_work.job_id = video_jobs.job_id) as thumbnail_is_open
      from video_jobs join private.job_queue using (job_id) where status = 'completed'
    `,
  ]);
  for (const job of jobs) {
    if (job.imported_from !== null) {
      world.counts.add("imports", job.video_path === null ? "at its old address" : "copied");
    }
    checkVideo(world, job);
    checkThumbnail(world, job);
    checkSubtitles(world, job);
  }
}

function checkVideo(world: World, { job_id, user_id, video_path, video_url, run_url }: Completed): void {
  const size = world.fileBytes(run_url);
  if (size === undefined) throw new Violation(`${job_id} has a video that no run made: ${run_url}`);
  if (video_path === null) {
    if (video_url !== run_url) throw new Violation(`${job_id} shows ${video_url}, not ${run_url}`);
    return;
  }
  mustBeStored(world, video_path, `${user_id}/${job_id}.mp4`, size);
}

function checkThumbnail(world: World, job: Completed): void {
  const { job_id, user_id, thumbnail_path, thumbnail_url, thumbnail_is_open, imported_from } = job;
  if (thumbnail_path !== null) {
    mustBeStored(world, thumbnail_path, `${user_id}/${job_id}_thumb.jpg`, SAMPLE.bytes.jpg);
  } else if (thumbnail_url !== null) {
    if (world.fileBytes(thumbnail_url) !== SAMPLE.bytes.jpg) throw new Violation(`${job_id} shows ${thumbnail_url}`);
  } else if (imported_from === null && !thumbnail_is_open) {
    if (!world.submissions.thumbnailsGivenUp.has(job_id)) throw new Violation(`${job_id} lacks its thumbnail`);
    world.counts.add("endings", "thumbnail given up");
  }
}

function checkSubtitles(world: World, job: Completed): void {
  const { job_id, user_id, subtitles_path, wants_subtitles, video_path } = job;
  if (subtitles_path !== null) {
    if (!wants_subtitles) throw new Violation(`${job_id} has subtitles that were not requested`);
    mustBeStored(world, subtitles_path, `${user_id}/${job_id}.vtt`);
  } else if (wants_subtitles && video_path !== null) throw new Violation(`${job_id} lacks its subtitles`);
}

function mustBeStored({ bucket }: World, path: string, expected: string, size?: number): void {
  const stored = bucket.files.get(`videos/${path}`);
  if (path !== expected || stored === undefined || stored !== (size ?? stored)) {
    throw new Violation(`${path} has ${stored} of ${size} bytes, and must be at ${expected}`);
  }
}

/** No file is left over: each video belongs to a completed job, and each image to a row. */
export async function checkNothingIsLeft({ sql, bucket }: World): Promise<void> {
  // A thumbnail whose size could not be read is stored and not shown. It is deleted with its job.
  const rows = await sql`
    select user_id || '/' || job_id || ending as path
    from video_jobs, unnest(array['.mp4', '_thumb.jpg', '.vtt']) as ending where status = 'completed'
  `;
  const owned = new Set(rows.map(({ path }) => `videos/${path}`));
  for (const { path } of await sql`select path from private.uploads`) owned.add(`inputs/${path}`);
  const left = [...bucket.files.keys()].filter((file) => !owned.has(file));
  if (left.length > 0) {
    throw new Violation(
      `There are files that belong to no job and no upload: ${left.slice(0, 3).join(", ")} (${left.length})`,
    );
  }
}
