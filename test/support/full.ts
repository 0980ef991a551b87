// The full run, `npm test -- full`, also has cases that repeat others with other values.

/** True in a full run. */
export const isFull = process.env.TEST_FULL === "1";

/** The whole list in a full run, else its first entries. */
export const some = <T>(all: readonly T[], count: number): readonly T[] => (isFull ? all : all.slice(0, count));
