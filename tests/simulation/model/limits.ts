/** The settings of the product in the random world: low enough that a run reaches each limit. */
export const WELCOME_CREDITS = 40;
export const UPLOADS_PER_DAY = 2;
/** The most refunds per user and day of cancelled jobs that had started. */
export const MOST_CANCELLATIONS = 1;
export const RETENTION_DAYS = 4;
/** How long a client's key is bound, and a request that was sent without one. */
export const KEY_MS = 24 * 3_600_000;
export const REPEAT_MS = 10_000;
