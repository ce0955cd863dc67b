import type { Json } from "../../../supabase/functions/_shared/database/database.types.ts";
import type { RequestVariant } from "./request.ts";
import type { User } from "./user.ts";

/** A user of the earlier system. */
export interface ImportedUser {
  sourceId: string;
  /** The line that links the user: by address, or by the id in Auth. */
  line: { id: string; email: string } | { id: string; user_id: string };
  /** The user here, once an answer has said so. */
  user: User | null;
  /** The old balance, and whether an answer has confirmed it. */
  amount: number;
  isBooked: boolean;
  videos: ImportedVideo[];
}

/** A finished video of the earlier system. */
export interface ImportedVideo {
  owner: ImportedUser;
  line: { id: string; completed_at: string; [field: string]: Json };
  /** `maybe`: a call that would write it was begun and its answer is not known. */
  written: "no" | "maybe" | "yes";
  /** Counts the calls that name it: a call during which another one came cannot tell which of them wrote it. */
  calls: number;
  /** What its job must be. */
  variant: RequestVariant;
  isNoted: boolean;
}

/** What has been brought along from the earlier system. */
export class Imports {
  readonly users: ImportedUser[] = [];
  readonly videos: ImportedVideo[] = [];
  /** The addresses of users who were nowhere but in the earlier system. They get no welcome credits. */
  readonly newAddresses: string[] = [];
}
