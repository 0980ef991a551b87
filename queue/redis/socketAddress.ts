/** Where the server of a Redis URL listens, as sockets take it: an IPv6 address is without brackets. */
export function socketAddress(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 6379) };
}
