import { createServer, connect, type AddressInfo, type Socket } from "node:net";

/** The fault of the next connection. */
export interface Loss {
  /** It happens after this many bytes to the server. The bytes before arrive. */
  after: number;
  /**
   * `request`: the connection is cut there, in the middle of a command. `reply`: the request arrives, and the next
   * answer is lost. `nothing`: the request is only held back until `then` has ended.
   */
  lose: "request" | "reply" | "nothing";
  /** Called at that moment, before the connection is cut. */
  then?: () => unknown;
}

/** A proxy on loopback that loses messages when told to; else it passes everything on. */
export async function lossyProxy(port: number): Promise<{
  url: string;
  /** One loss, on the connection that gets that far first. */
  plan(loss: Loss): void;
  close(): Promise<void>;
}> {
  let planned: Loss | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    let sent = 0;
    let loss: Loss | undefined;
    const cut = () => {
      loss?.then?.();
      loss = undefined;
      client.destroy();
      upstream.end(); // what was sent arrives
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.end();
      });
    }
    client.on("data", (data) => {
      if (loss?.lose === "request") return;
      sent += data.length;
      if (!planned || sent < planned.after) return void upstream.write(data);
      if (planned.lose === "nothing") {
        const { after, then } = planned;
        planned = undefined;
        const before = Math.max(0, data.length - (sent - after));
        upstream.write(data.subarray(0, before));
        client.pause();
        return void Promise.resolve(then?.()).then(() => {
          upstream.write(data.subarray(before));
          client.resume();
        });
      }
      loss = planned;
      planned = undefined;
      if (loss.lose === "reply") return void upstream.write(data);
      upstream.write(data.subarray(0, Math.max(0, data.length - (sent - loss.after))), cut);
    });
    upstream.on("data", (data) => {
      if (!loss && !client.destroyed) client.write(data);
      else if (loss?.lose === "reply") cut();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    plan: (loss) => (planned = loss),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
