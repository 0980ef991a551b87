import { RunError } from "@pulumi/pulumi";

/** An error with which `up` fails: one line, without a stack, while the program is being run and after it. */
class UpError extends RunError {
  override name = "UpError";
  constructor(message: string) {
    super(message);
    // Pulumi prints the stack of an error that nothing catches after the program was run.
    this.stack = message;
  }
}

/**
 * Makes `up` fail with a line.
 * @returns A promise that never resolves, so nothing that waits for it is created; other waits of this `up` go on.
 */
export function endProgram(line: string): Promise<never> {
  void Promise.reject(new UpError(line));
  return new Promise<never>(() => {});
}
