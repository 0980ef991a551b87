// The end of a program of the image: its exit code, and its reason as the last line.
import { oneLine } from "../config/foreignText.ts";

/** Exit codes of the programs. None is one with which Node.js itself ends, so that no accident counts as a verdict. */
export const exitCodes = { usage: 64, load: 65, redis: 69, unexpected: 70, verdict: 90, terminated: 143 } as const;

/** Ends a program with its reason as the last line, which is what Kubernetes and `pulumi up` show. */
export class ProgramExit extends Error {
  override name = "ProgramExit";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Runs a program's main; what it throws becomes the last line and the exit code. */
export async function runProgram(main: () => Promise<number>): Promise<never> {
  let code: number;
  try {
    code = await main();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    code = error instanceof ProgramExit ? error.code : codeOf(error as Error);
    console.error(oneLine(message.split("\n")[0]!));
  }
  // Standard output may be a pipe: what was printed gets out before the end.
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exit(code);
}

function codeOf({ name, message }: Error): number {
  if (name === "ConfigError") return exitCodes.usage;
  return /Redis/.test(message) ? exitCodes.redis : exitCodes.unexpected;
}
