/** Whether a host, in the spelling of `URL`, is in a private network. Only its name or address is checked, not DNS. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/\.$/, "").toLowerCase();
  if (host.startsWith("[")) return isPrivateIpv6(host.slice(1, -1));
  const octets = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(host)?.slice(1).map(Number);
  if (octets !== undefined) return isPrivateIpv4(octets);
  return !host.includes(".") || PRIVATE_DOMAINS.test(host);
}

/** Whether an address that DNS returned is in a private network. */
export function isPrivateAddress(address: string): boolean {
  return isPrivateHost(address.includes(":") ? `[${address}]` : address);
}

/** Whether a host is an address, and not a name that needs DNS. */
export function isAddress(hostname: string): boolean {
  return hostname.startsWith("[") || /^[\d.]+$/.test(hostname);
}

/** Domains that are not in the public DNS: of home and office networks, Kubernetes, Docker and Consul. */
const PRIVATE_DOMAINS =
  /\.(localhost|localdomain|local|internal|intranet|private|lan|home|corp|arpa|svc|cluster|pod|docker|consul|test)$/;

/** The blocks that RFC 6890 keeps off the public internet. */
function isPrivateIpv4([a = 0, b = 0]: readonly number[]): boolean {
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && (b === 168 || b === 0)) ||
    (a === 198 && (b === 18 || b === 19))
  );
}

/** Only global unicast (2000::/3) is public, and of it not the forms that hide an IPv4 address (6to4, Teredo). */
function isPrivateIpv6(address: string): boolean {
  const first = parseInt(address.split(":")[0] || "0", 16);
  return first < 0x2000 || first > 0x3fff || first === 0x2002 || /^2001:0?:/.test(address);
}
