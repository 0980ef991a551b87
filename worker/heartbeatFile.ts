/** Touched by the worker while its event loop turns. */
export const ALIVE = "/tmp/alive";
