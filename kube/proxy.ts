/** The proxy that leads to a server by the environment: HTTPS_PROXY and NO_PROXY, as the provider understands them. */
export function proxyOf(server: string, environment = process.env): string | undefined {
  const variable = (name: string) => environment[name] ?? environment[name.toLowerCase()];
  const { protocol, hostname, port } = new URL(server);
  const proxy = variable(protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
  if (!proxy || /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname)) return undefined;
  const exceptions = (variable("NO_PROXY") ?? "").split(",").map((entry) => entry.trim());
  const isExcepted = exceptions.filter(Boolean).some((entry) => {
    if (entry === "*") return true;
    const [, host = "", only] = /^(.*?)(?::(\d+))?$/.exec(entry)!;
    if (only && only !== (port || (protocol === "https:" ? "443" : "80"))) return false;
    const domain = host.replace(/^\*?\./, "");
    return hostname === domain || hostname.endsWith(`.${domain}`);
  });
  if (isExcepted) return undefined;
  return proxy.includes("://") ? proxy : `http://${proxy}`;
}
