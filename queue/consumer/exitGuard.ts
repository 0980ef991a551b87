/** The exit code of a process that ends before the queue said so. */
const UNEXPECTED = 70;

/**
 * Exit code 0 is only for those whom a script told that the batch is over (rule 6): after one pod of a Job succeeds, Kubernetes starts no other. A handler
 * that calls `process.exit(0)`, or an event loop that runs dry because a promise never settles, must not look like success.
 * @returns What to call once exit code 0 is right.
 */
export function guardExit(): () => void {
  const hook = (code: number) => {
    if (code !== 0) return;
    process.exitCode = UNEXPECTED;
    process.stderr.write(
      "The process was ended before the queue was finished, by its handler perhaps; it exits with code 70.\n",
    );
  };
  process.on("exit", hook);
  return () => void process.off("exit", hook);
}
