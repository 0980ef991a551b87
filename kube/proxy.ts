import { BlockList, isIP } from "node:net";

/** The proxy that the environment names for a server: by HTTPS_PROXY and NO_PROXY, as the provider reads them. */
export function proxyOf(server: string, environment = process.env): string | undefined {
  const variable = (name: string) => environment[name] || environment[name.toLowerCase()];
  const { protocol, hostname, port } = new URL(server);
  const proxy = variable(protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  const target = hostname.replace(/^\[|\]$/g, "");
  if (!proxy || target === "localhost" || isWithin(target, "127.0.0.0/8") || isWithin(target, "::1/128"))
    return undefined;
  const exceptions = (variable("NO_PROXY") ?? "").split(",").map((entry) => entry.trim());
  const isExcepted = exceptions.filter(Boolean).some((entry) => {
    if (entry === "*" || isWithin(target, entry)) return true;
    const [, host = "", only] = /^(.*?)(?::(\d+))?$/.exec(entry)!;
    if (only && only !== (port || (protocol === "https:" ? "443" : "80"))) return false;
    const domain = host.replace(/^\*?\./, "");
    return target === domain || target.endsWith(`.${domain}`);
  });
  if (isExcepted) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}

/** True if an address is in a range like `10.0.0.0/8`. */
function isWithin(address: string, range: string): boolean {
  const [network = "", bits] = range.split("/");
  const version = isIP(network);
  if (version === 0 || version !== isIP(address)) return false;
  const length = bits === undefined ? NaN : Number(bits);
  if (!(length >= 0 && length <= (version === 4 ? 32 : 128))) return address === network;
  const list = new BlockList();
  const family = version === 4 ? "ipv4" : "ipv6";
  list.addSubnet(network, length, family);
  return list.check(address, family);
}
