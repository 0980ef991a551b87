// The end of a program of the image: its exit code, and its reason as the last line.
import { ConfigError } from "../config/parse.ts";
import { oneLine } from "../config/foreignText.ts";
import { RedisError } from "../queue/index.ts";
import { exitCodes } from "./exitCodes.ts";

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
    code = error instanceof ProgramExit ? error.code : codeOf(error);
    console.error(oneLine(message.split("\n")[0]!));
  }
  // Standard output may be a pipe: what was printed gets out before the end.
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exit(code);
}

function codeOf(error: unknown): number {
  if (error instanceof ConfigError) return exitCodes.usage;
  return error instanceof RedisError ? exitCodes.redis : exitCodes.unexpected;
}
