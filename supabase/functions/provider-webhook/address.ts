import { z } from "zod";
import { RequestError } from "../_shared/errors/request-errors.ts";
import { pathBelow } from "../_shared/http/path.ts";

/** What the address that we gave to a provider says: whose run, and the token that only we could have made. */
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

/** Reads the address of a webhook. One that we never gave out is unauthorized: it has no token. */
export function addressOf(request: Request): Address {
  const [provider, ...rest] = pathBelow(request);
  if (provider === undefined || rest.length > 0) throw new RequestError("not_found");
  const parsed = query.safeParse(Object.fromEntries(new URL(request.url).searchParams));
  if (!parsed.success) throw new RequestError("unauthorized");
  const { job, attempt, token } = parsed.data;
  return { provider, jobId: job, attempt, token };
}
