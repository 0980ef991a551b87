/** Longest reason that is kept, characters. */
const MAX = 8192;

/** What is kept of something that was thrown: its message, and its stack below it. */
export function errorText(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown).slice(0, MAX);
  const { message, stack, cause } = thrown;
  const head = message || thrown.name;
  const frames = stack?.slice(stack.indexOf("\n    at ") + 1 || stack.length) ?? "";
  const below = cause === undefined ? frames : `${frames}\ncaused by: ${errorText(cause)}`;
  return (below ? `${head}\n${below}` : head).slice(0, MAX);
}

/** Its first line: for logs and for the ends of batches. */
export function firstLine(text: string): string {
  return text.split("\n", 1)[0]!;
}
