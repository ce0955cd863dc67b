import { z } from "zod";
import { callProcedure, type DatabaseContext } from "./client.ts";

/** Who a verified token of another identity provider is about. */
export interface ExternalIdentity {
  issuer: string;
  subject: string;
  /** An address that the token proves, which is welcomed once; null where it proves none. */
  email: string | null;
}

/** The user of an identity, who is made at first sight and the same for ever. Throws `DatabaseError`. */
export async function identifyUser(
  context: DatabaseContext,
  { issuer, subject, email }: ExternalIdentity,
): Promise<string> {
  return await callProcedure(context, z.uuid(), "identify_user", {
    p_issuer: issuer,
    p_subject: subject,
    ...(email === null ? {} : { p_email: email }),
  });
}
