/** Resolves when all that was printed is out: a pipe may take its time, and `process.exit` waits for nothing. */
export async function printedOut(): Promise<void> {
  const { stdout } = process;
  if (!stdout.errored) await new Promise<void>((resolve) => stdout.write("", () => resolve()));
}
