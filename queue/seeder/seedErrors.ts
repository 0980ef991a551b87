import { REDIS_FULL } from "../redis/errors.ts";

/** The seeding must start over from what is in Redis: Redis was away or lost writes, or another seeder was at work. */
export class SeedInterruptedError extends Error {
  override name = "SeedInterruptedError";
}

/** Another seeder moved the batch on, or Redis lost what it had: the digest is not the expected one. */
export class SeedOvertakenError extends SeedInterruptedError {
  override name = "SeedOvertakenError";

  constructor() {
    super("another seeder is at work, or Redis lost what it had");
  }
}

/** The seeding cannot go on. The message is one line that says what to do. */
export class SeedRefusedError extends Error {
  override name = "SeedRefusedError";
}

/** Redis has reached its maxmemory. */
export class RedisFullError extends SeedRefusedError {
  override name = "RedisFullError";

  constructor() {
    super(REDIS_FULL);
  }
}

/** Refusals by Redis that waiting does not end, by the beginning of their message, and what to do about each. */
const ADVICE: [start: RegExp, what: (queue: string) => string][] = [
  [/^(WRONGPASS|NOAUTH)/, () => "check the password"],
  [/^NOPERM/, (queue) => `the user needs all commands on the keys \`${queue}\`, \`{${queue}}:*\` and \`wq:queues\``],
  [/^WRONGTYPE/, (queue) => `another program uses a key named \`${queue}\` or \`{${queue}}:…\`; set another \`queue\``],
  [/^ERR (?!max number of clients)/, () => "it needs Redis 7.0 or later, with scripts and transactions"],
];

/** Error of a seeding for an error of the connection or of a command. */
export function seedError(error: Error, queue: string): Error {
  const { name } = error;
  const message = error.message
    .replace(/^EXECABORT Transaction discarded because of: /, "")
    // The place in the script, which helps nobody.
    .replace(/ script: \w+, on @user_script:\d+\.?$/, "");
  if (error instanceof SeedInterruptedError || error instanceof SeedRefusedError) return error;
  if (message.startsWith("OOM")) return new RedisFullError();
  const [, advice] = ADVICE.find(([start]) => start.test(message)) ?? [];
  if (advice) {
    return new SeedRefusedError(
      `Redis refused to seed the queue ${queue}: ${message.replace(/\.$/, "")}; ${advice(queue)}.`,
      {
        cause: error,
      },
    );
  }
  const said = name === "ReplyError" ? "Redis answered" : "Redis is away";
  return new SeedInterruptedError(`${said}: ${message}`, { cause: error });
}
