/** The exit code of a process that ends before the queue was said to be finished. */
const UNEXPECTED = 70;

/** Runs of this process that have not ended. */
let running = 0;

function onExit(code: number): void {
  if (code !== 0) return;
  process.exitCode = UNEXPECTED;
  process.stderr.write(
    "The process ended before the queue was finished, possibly by its handler; it exits with code 70.\n",
  );
}

/**
 * Exit code 0 means that a script said that the batch is over: after one pod of a Job succeeds, Kubernetes starts no
 * other. A handler that calls `process.exit(0)`, or an event loop that runs dry because a promise never
 * settles, must not look like success.
 * @returns A function to call once the run has ended. From then on the exit code is the caller's.
 */
export function guardExit(): () => void {
  if (running++ === 0) process.on("exit", onExit);
  return () => {
    if (--running === 0) process.off("exit", onExit);
  };
}
