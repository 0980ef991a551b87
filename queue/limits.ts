// Limits that are checked outside of the queue as well. Imports nothing, so that it costs nothing to load.

/** Longest item, bytes: 1 MiB. Longer ones belong in a file or an object store, their name in the list. */
export const MAX_ITEM_BYTES = 1024 * 1024;

/** Advice for an item that is longer. */
export const TOO_LONG_ADVICE = "put its data into a file or a bucket, and its name into the list";

/** Longest result that may be kept, bytes: 8 MiB. Longer ones are cut; they belong in a file or an object store. */
export const MAX_RESULT_BYTES = 8 * 1024 * 1024;

/** Longest log that is kept with an item, characters: its tail. */
export const MAX_LOG_CHARS = 64 * 1024;
