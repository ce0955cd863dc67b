/**
 * Whether a verified token is of Supabase Auth, so that its subject is a user's id. `private.current_user_id` decides in
 * the same way. The project's own keys may sign a token without an issuer; another provider names itself always.
 */
export function isSupabaseIssuer(iss: unknown): boolean {
  return iss === undefined || iss === null || (typeof iss === "string" && iss.endsWith("/auth/v1"));
}
