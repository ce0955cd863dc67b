/**
 * The headers with the token's scheme as `verifyAuth` knows it, `Bearer`: schemes are written in any case (RFC 9110, 11.1),
 * and clients of the transitions flow send `Token`.
 */
export function withBearer(given: Headers): Headers {
  const token = /^(?:Token|Bearer) +(\S+)$/i.exec(given.get("authorization") ?? "")?.[1];
  const headers = new Headers(given);
  if (token !== undefined) headers.set("authorization", `Bearer ${token}`);
  return headers;
}
