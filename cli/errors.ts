/**
 * A problem that the user can put right. Printed as one line, without a stack; anything else that is thrown is a
 * defect of ours.
 */
export class UserError extends Error {
  override name = "UserError";
}

/** There is no such stack, or no batch in it yet. A state that cannot be read is another error. */
export class AbsentError extends UserError {}

/** The first line of whatever was thrown. */
export function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.trim().split("\n", 1)[0] ?? "";
}
