import { RunError } from "@pulumi/pulumi";

/** Why `up` fails: one line, without a stack, whether the program is still being run or waits for its resources. */
class UpError extends RunError {
  override name = "UpError";
  constructor(message: string) {
    super(message);
    // What Pulumi prints of an error that nothing catches once the program was run.
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
