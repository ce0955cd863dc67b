/** The private buckets; the migration of the buckets makes them, with their limits. */

/** Finished videos. */
export const VIDEO_BUCKET = "videos";
/** What users uploaded. */
export const INPUT_BUCKET = "inputs";
