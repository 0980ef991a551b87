/** Done; nothing failed. */
export const EXIT_OK = 0;
/** Done, and something failed: items, the batch, the attempt. */
export const EXIT_FAILED = 1;
/** The batch is not over. */
export const EXIT_UNFINISHED = 2;
/** The command could not do what it was asked: bad arguments, no stack, no cluster, no Redis. */
export const EXIT_USAGE = 3;

export type ExitCode = typeof EXIT_OK | typeof EXIT_FAILED | typeof EXIT_UNFINISHED | typeof EXIT_USAGE;

/** Meaning of each code for all verbs, as `wq --help` shows it. */
export const exitCodeTable: Record<ExitCode, string> = {
  [EXIT_OK]: "done; for status: finished, every item done",
  [EXIT_FAILED]:
    "done, and something failed: items (status, failed, run), `up` (retry, resume), the attempt (try); no log kept (logs); no item left (cancel)",
  [EXIT_UNFINISHED]: "not over yet (status), left running (run)",
  [EXIT_USAGE]: "not done: bad arguments, no stack, no cluster, no Redis; one line on standard error says why",
};
