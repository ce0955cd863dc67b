/**
 * The token in a request's headers; null where there is none. Clients write the scheme `Bearer` in any case (RFC 9110,
 * 11.1), and some clients of transitions send `Token`.
 */
export function tokenOf(headers: Headers): string | null {
  return /^(?:Token|Bearer) +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1] ?? null;
}
