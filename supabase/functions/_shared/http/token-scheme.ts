/**
 * The headers with the token's scheme written `Bearer`, the only form that `verifyAuth` accepts. Clients write it in any
 * case (RFC 9110, 11.1), and some clients of transitions send `Token`.
 */
export function withBearer(given: Headers): Headers {
  const token = /^(?:Token|Bearer) +(\S+)$/i.exec(given.get("authorization") ?? "")?.[1];
  const headers = new Headers(given);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  return headers;
}

/** The token of headers with the scheme `Bearer`; null where there is none. */
export function tokenOf(headers: Headers): string | null {
  return /^Bearer (\S+)$/.exec(headers.get("authorization") ?? "")?.[1] ?? null;
}
