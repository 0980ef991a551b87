// The full run, `npm test -- full`: also what only repeats with other values what each run does with some.

/** True if this is one. */
export const isFull = process.env.TEST_FULL === "1";

/** All of a list in the full run, else the first ones. */
export const some = <T>(all: readonly T[], count: number): readonly T[] => (isFull ? all : all.slice(0, count));
