import { z } from "zod";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { pathBelow } from "../_shared/http/path.ts";

/** What a webhook's address says: which run, and the token that only we can make. */
export interface Address {
  provider: string;
  jobId: string;
  attempt: number;
  token: string;
}

const query = z.object({
  job: z.guid(),
  attempt: z.coerce.number().int().min(1).max(2_147_483_647),
  token: z.string().max(100),
});

/** Reads the address of a webhook. Throws `unauthorized` for an address that we never gave to a provider. */
export function addressOf(request: Request): Address {
  const [provider, ...rest] = pathBelow(request);
  if (provider === undefined || rest.length > 0) throw new RequestError("not_found");
  const parsed = query.safeParse(Object.fromEntries(new URL(request.url).searchParams));
  if (!parsed.success) throw new RequestError("unauthorized");
  const { job, attempt, token } = parsed.data;
  return { provider, jobId: job, attempt, token };
}
