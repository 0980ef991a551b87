import { type Child, type ChildOptions, startConsumer } from "../support/consuming.ts";
import { gateProxy, type GateProxy } from "../support/gateProxy.ts";

/** A worker that is started again whenever it ends with anything but 0, as a kubelet does. */
export class KeptWorker {
  readonly proxy: GateProxy;
  readonly #options: ChildOptions;
  #child?: Child;
  #isOver = false;
  /** Resolves when the worker has ended with 0. */
  readonly over: Promise<void>;

  private constructor(proxy: GateProxy, options: ChildOptions) {
    this.proxy = proxy;
    this.#options = options;
    this.over = this.#keep();
  }

  /** Starts a worker with a proxy of its own to the Redis on this port. */
  static async start(port: number, options: ChildOptions): Promise<KeptWorker> {
    return new KeptWorker(await gateProxy(port), options);
  }

  async #keep(): Promise<void> {
    while (!this.#isOver) {
      this.#child = startConsumer(this.proxy.url, this.#options);
      const { code } = await this.#child.ended;
      if (code === 0) return;
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.signal(signal);
  }

  /** Its connections, and the next one, go silent. */
  freeze(): void {
    const { connections } = this.proxy;
    this.proxy.freeze(...Array.from({ length: 5 }, (_, back) => connections + 1 - back));
  }

  cut(): void {
    this.proxy.close();
    this.proxy.open();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    this.signal("SIGCONT");
    this.signal("SIGKILL");
    await this.over;
    await this.proxy.end();
  }
}
