// The Automation API may run several inline programs in one process. Pulumi takes every rejection in that process for
// an error of all of them (pulumi/pulumi#8658). An error of these components goes to its own program alone.
import { isAnothers, monitor } from "./engine.ts";

type Listener = (error: unknown, promise: Promise<unknown>) => void;

const EVENT = "unhandledRejection";
const known = new WeakSet<Listener>();

// Pulumi adds a listener for each inline program, within that program.
process.on("newListener", (event: string | symbol, listener: Listener) => {
  const program = event === EVENT ? monitor() : undefined;
  if (!program || known.has(listener)) return;
  known.add(listener);
  queueMicrotask(() => narrow(listener, program));
});

/** Replaces a listener with one that passes over errors of other programs. */
function narrow(listener: Listener, program: object): void {
  if (!process.listeners(EVENT).includes(listener)) return;
  process.off(EVENT, listener);
  const narrowed: Listener = (error, promise) => {
    if (!isAnothers(error, program)) listener(error, promise);
  };
  known.add(narrowed);
  // By this property, Node.js can remove the original listener, too.
  process.on(EVENT, Object.assign(narrowed, { listener }));
}
