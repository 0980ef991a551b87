import { itemText } from "../itemText.ts";

/** Bytes of a payload that name an item on the channel. */
const MAX_NAME = 1_000;

/** The channel on which workers publish what items log: a JSON array of `LogLine`s, or nothing to see who listens. */
export const logChannel = (queue: string): string => `{${queue}}:log`;

/** Name of an item on the channel. */
export const nameOnChannel = (payload: Buffer): string => itemText(payload.subarray(0, MAX_NAME));
