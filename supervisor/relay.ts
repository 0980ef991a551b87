// A relay for `wq` to a Redis that only the cluster can reach. The API server forwards to it, on the pod's loopback.
import { connect, createServer, type Server } from "node:net";
import { socketAddress } from "../queue/index.ts";
import { RELAY_PORT } from "../config/ports.ts";

/**
 * Passes connections on to the server of a Redis URL. Does not keep the process alive; if the port is taken, there
 * is no relay.
 */
export function startRelay(url: string): Server {
  const address = socketAddress(url);
  const server = createServer((client) => {
    const upstream = connect(address);
    client.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
    upstream.on("error", () => client.destroy()).on("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  return server
    .on("error", () => {})
    .listen(RELAY_PORT, "127.0.0.1")
    .unref();
}
