import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** A way to Redis that a test closes and opens. */
export interface GateProxy {
  url: string;
  /** Connections made so far. */
  readonly connections: number;
  /** Cuts all connections; nobody is let in until it is opened. */
  close(): void;
  open(): void;
  /** Silences connections without closing them. They are numbered in the order in which they were made. */
  freeze(...numbers: number[]): void;
  /**
   * Holds back requests or replies on the open connections. What a client sent before it went away arrives all the
   * same.
   * @returns A function that lets them go on.
   */
  hold(what: "requests" | "replies"): () => void;
  /** Delay of every answer, ms. */
  lagMs: number;
  /** Called with what clients send, before it is passed on. */
  onRequest?: (text: string) => unknown;
  end(): Promise<void>;
}

/** Starts one, on loopback, to the Redis on this port. */
export async function gateProxy(port: number): Promise<GateProxy> {
  const sockets = new Set<Socket>();
  const frozen = new Set<number>();
  const held = new Map<string, (() => void)[]>();
  let isOpen = true;
  let connections = 0;
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    if (!isOpen) return void client.destroy();
    const number = ++connections;
    const upstream = connect(port, "127.0.0.1");
    const pass = (from: Socket, to: Socket) => {
      const direction = `${number} ${from === client ? "requests" : "replies"}`;
      sockets.add(from);
      from.on("error", () => {});
      // The end of a frozen connection gets no answer, either.
      from.on("end", () => frozen.has(number) || from.end());
      from.on("data", (data) => {
        if (frozen.has(number)) return;
        if (from === client) proxy.onRequest?.(data.toString("latin1"));
        const deliver = () => !to.destroyed && to.write(data);
        const queue = held.get(direction);
        if (queue) queue.push(deliver);
        else if (from === upstream && proxy.lagMs > 0) setTimeout(deliver, proxy.lagMs);
        else deliver();
      });
      from.on("close", () => {
        sockets.delete(from);
        const queue = held.get(direction);
        if (queue) queue.push(() => to.end());
        else if (!frozen.has(number)) to.destroy();
      });
    };
    pass(client, upstream);
    pass(upstream, client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: GateProxy = {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lagMs: 0,
    get connections() {
      return connections;
    },
    close() {
      isOpen = false;
      for (const socket of sockets) socket.destroy();
    },
    open() {
      isOpen = true;
    },
    freeze(...numbers) {
      for (const number of numbers) frozen.add(number);
    },
    hold(what) {
      const directions = Array.from({ length: connections }, (_, index) => `${index + 1} ${what}`);
      for (const direction of directions) held.set(direction, held.get(direction) ?? []);
      return () => {
        for (const direction of directions) {
          for (const act of held.get(direction) ?? []) act();
          held.delete(direction);
        }
      };
    },
    end: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return proxy;
}
