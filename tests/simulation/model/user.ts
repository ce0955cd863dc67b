import { Violation } from "../runtime/violation.ts";
import type { ClientCache } from "./client-cache.ts";
import type { JobHistory } from "./job-history.ts";
import type { Moment } from "./moment.ts";

/** A file for which a user got an upload address. */
export interface Upload {
  path: string;
  /** The earliest simulated time at which the address may have been given. */
  since: number;
  isImage: boolean;
  /** The event number from which the file is known to be stored. */
  storedAt: number;
}

export interface User {
  index: number;
  id: string;
  email: string;
  uploads: Upload[];
  /** The number of keys used so far. */
  keys: number;
  jobs: JobHistory[];
  cache: ClientCache;
  /** Whether a deletion of the account has begun, and the event number from which it is known to be deleted. */
  leaving: boolean;
  goneSince: number;
}

/** The codes that are allowed when a service was out of reach. */
export const TROUBLE = ["unavailable", "job_creation_failed", "internal_error"];

/**
 * Returns whether the answer is "unauthorized" because the user's account is being deleted. Once the account is known to be
 * deleted, every other answer is a violation.
 */
export function checkLeaving(user: User, isValid: boolean, code: string, moment: Moment): boolean {
  if (user.leaving && code === "unauthorized") return true;
  if (isValid && user.goneSince < moment.started && !(moment.disturbed && TROUBLE.includes(code))) {
    throw new Violation(`u${user.index} has no account any more and was answered ${code || "well"}`);
  }
  return false;
}
