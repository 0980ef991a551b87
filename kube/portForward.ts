import type { EventEmitter } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { KubeConfig } from "@kubernetes/client-node";
import { loadClient } from "./kubernetesClient.ts";

/** A port of a Pod. */
export interface PodPort {
  namespace: string;
  pod: string;
  port: number;
}

/** Opens a port on loopback that leads, through the API server, to a port of a Pod until it is closed. */
export async function forwardPort(
  config: KubeConfig,
  { namespace, pod, port }: PodPort,
): Promise<{ port: number; close: () => void }> {
  const { PortForward } = await loadClient();
  const forward = new PortForward(config);
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => socket.destroy()).on("close", () => open.delete(socket));
    forward.portForward(namespace, pod, [port], socket, null, socket).then(
      // The type is of a package without types.
      (ws: (EventEmitter & { close(): void }) | (() => unknown)) => {
        if (typeof ws === "function") return;
        ws.on("close", () => socket.destroy());
        ws.on("error", () => socket.destroy());
        if (socket.destroyed) ws.close();
        else socket.on("close", () => ws.close());
      },
      () => socket.destroy(), // the client of Redis sees a closed connection, and says so
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}
