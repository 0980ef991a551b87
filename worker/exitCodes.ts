// Exit codes of the programs in the image. The supervisor Job reads `verdict`: any other end of its pod is an accident.
/** Node.js itself ends with none of them, so that no accident counts as a verdict. */
export const exitCodes = { usage: 64, load: 65, redis: 69, unexpected: 70, verdict: 90, terminated: 143 } as const;
