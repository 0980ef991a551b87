// The end of a program of the image: its exit code, and its reason as the last line.
import { ConfigError } from "../config/parse.ts";
import { oneLine } from "../config/foreignText.ts";
import { RedisError } from "../queue/index.ts";
import { exitCodes } from "./exitCodes.ts";
import { printedOut } from "./processes/printedOut.ts";

/** Ends a program with its reason as the last line, which is what Kubernetes and `pulumi up` show. */
export class ProgramExit extends Error {
  override name = "ProgramExit";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Kubernetes keeps the last 2,048 bytes of a log as the reason: a longer line would lose its beginning. */
const MAX_BYTES = 1_800;
const END_BYTES = 600;

/** The last line, without its middle if it is too long: the end of most lines says what to do. */
export function lastWords(message: string): string {
  const bytes = Buffer.from(oneLine(message.split("\n")[0]!));
  if (bytes.length <= MAX_BYTES) return bytes.toString();
  const part = (from: number, to: number) => bytes.subarray(from, to).toString().replaceAll("\ufffd", "");
  return `${part(0, MAX_BYTES - END_BYTES)} … ${part(bytes.length - END_BYTES, bytes.length)}`;
}

/** Runs a program's main; what it throws becomes the last line and the exit code. */
export async function runProgram(main: () => Promise<number>): Promise<never> {
  let code: number;
  try {
    code = await main();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    code = error instanceof ProgramExit ? error.code : codeOf(error);
    console.error(lastWords(message));
  }
  await printedOut();
  process.exit(code);
}

function codeOf(error: unknown): number {
  if (error instanceof ConfigError) return exitCodes.usage;
  return error instanceof RedisError ? exitCodes.redis : exitCodes.unexpected;
}
