import { Violation } from "../runtime/violation.ts";
import type { ClientCache } from "./client-cache.ts";
import type { JobHistory } from "./job-history.ts";
import type { Moment } from "./moment.ts";

/** A file that a user uploads, or is about to. */
export interface Upload {
  path: string;
  /** When its address was given, in the world's time, or before. */
  since: number;
  isImage: boolean;
  /** When it is known to be there, in the order of events. */
  storedAt: number;
}

export interface User {
  index: number;
  id: string;
  email: string;
  uploads: Upload[];
  /** How many keys they have used so far. */
  keys: number;
  jobs: JobHistory[];
  cache: ClientCache;
  /** Whether they asked for the deletion of their account, and since when it is known to be gone, in the order of events. */
  leaving: boolean;
  goneSince: number;
}

/** What may be answered when something was out of reach. */
export const TROUBLE = ["unavailable", "job_creation_failed", "internal_error"];

/**
 * Whether a request may be told that nobody is there: its user was leaving. Once the account is known to be gone nothing
 * else may be told.
 */
export function checkLeaving(user: User, isValid: boolean, code: string, moment: Moment): boolean {
  if (user.leaving && code === "unauthorized") return true;
  if (isValid && user.goneSince < moment.started && !(moment.disturbed && TROUBLE.includes(code))) {
    throw new Violation(`u${user.index} has no account any more and was answered ${code || "well"}`);
  }
  return false;
}
