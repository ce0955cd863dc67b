/**
 * Where a request comes from, as well as that can be known: for counting, never for a permission. Cloudflare, through which
 * requests reach a hosted project, sets `CF-Connecting-IP` itself. `X-Forwarded-For` begins with what the client wrote, so
 * only its last entry is a server's. An empty text where there is no address: such callers count together.
 */
export function callerOf(headers: Headers): string {
  const forwarded = headers.get("x-forwarded-for")?.split(",").at(-1);
  return network((headers.get("cf-connecting-ip") ?? forwarded ?? "").trim());
}

/** An IPv4 address, or the network of an IPv6 address: each customer has a whole one, its first four groups. */
function network(address: string): string {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return address;
  if (!/^[0-9a-f:.]{2,45}$/i.test(address) || !URL.canParse(`http://[${address}]`)) return "";
  // As `URL` writes it, the longest row of zeros is `::`.
  const [groups = ""] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  return groups.split(":").slice(0, 4).join(":") + "::";
}
