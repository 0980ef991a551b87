import assert from "node:assert/strict";
import {
  RedisFullError,
  seedError,
  SeedInterruptedError,
  SeedRefusedError,
} from "../../../../queue/seeder/seedErrors.ts";

const reply = (message: string) => Object.assign(new Error(message), { name: "ReplyError" });

describe("seedError", () => {
  for (const message of [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.",
  ]) {
    it(`knows a full Redis: ${message.split(" ", 1)[0]}`, () => {
      assert.equal(seedError(reply(message), "job2") instanceof RedisFullError, true);
    });
  }

  const refused: [message: string, line: string][] = [
    [
      "WRONGPASS invalid username-password pair or user is disabled.",
      "WRONGPASS invalid username-password pair or user is disabled; check the password.",
    ],
    [
      "NOPERM User x has no permissions to run the 'rpush' command",
      "NOPERM User x has no permissions to run the 'rpush' command; the user needs all commands on the keys `job2`, `{job2}:*` and `wq:queues`.",
    ],
    [
      "WRONGTYPE Operation against a key script: 0abc, on @user_script:20.",
      "WRONGTYPE Operation against a key; another program uses a key named `job2` or `{job2}:…`; set another `queue`.",
    ],
    [
      "ERR unknown command 'EVALSHA'",
      "ERR unknown command 'EVALSHA'; it needs Redis 7.0 or later, with scripts and transactions.",
    ],
  ];
  for (const [message, line] of refused) {
    it(`says what to do about ${message.split(" ", 1)[0]}`, () => {
      const error = seedError(reply(message), "job2");
      assert.equal(error instanceof SeedRefusedError, true);
      assert.equal(error.message, `Redis refused to seed the queue job2: ${line}`);
    });
  }

  for (const message of [
    "LOADING Redis is loading the dataset in memory",
    "MISCONF Errors writing to the AOF file: No space left on device",
    "ERR max number of clients reached",
    "NOSCRIPT No matching script.",
  ]) {
    it(`lets the seeding go on after ${message.split(" ", 1)[0]}, in Redis's words`, () => {
      const error = seedError(reply(message), "job2");
      assert.equal(error instanceof SeedInterruptedError, true);
      assert.equal(error.message, `Redis answered: ${message}`);
    });
  }

  it("lets the seeding go on after a lost connection", () => {
    assert.equal(seedError(new Error("Connection is closed."), "job2").message, "Redis is away: Connection is closed.");
  });
});
