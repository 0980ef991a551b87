/** What a user can put right: printed as one line, without a stack. Anything else that is thrown is a defect of ours. */
export class UserError extends Error {}

/** The first line of whatever was thrown. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().split("\n", 1)[0] ?? "";
}
