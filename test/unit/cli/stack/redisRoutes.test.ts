import assert from "node:assert/strict";
import { UserError } from "../../../../cli/errors.ts";
import { openRoute, type RedisConnection, type Route } from "../../../../cli/stack/redisRoutes.ts";

const stack = { program: "/p", env: {} };
const redis = { cluster: {}, namespace: "n", url: "redis://private" };
const connection = { close: () => {} } as RedisConnection;
const works: Route = { leadsTo: () => true, open: async () => connection };
const elsewhere: Route = { leadsTo: () => false, open: () => assert.fail("not tried") };
const fails = (why: string): Route => ({
  leadsTo: () => true,
  open: async () => {
    throw new UserError(why);
  },
});

describe("openRoute", () => {
  it("takes the first route that works", async () => {
    assert.equal(await openRoute(redis, stack, [elsewhere, fails("away"), works, elsewhere]), connection);
  });
  it("says why none of them does", async () => {
    await assert.rejects(openRoute(redis, stack, [fails("no direct way"), fails("no pod")]), {
      name: "UserError",
      message: "no direct way; and no pod",
    });
  });
  it("does not hide a defect", async () => {
    const broken: Route = { leadsTo: () => true, open: () => Promise.reject(new TypeError("bug")) };
    await assert.rejects(openRoute(redis, stack, [broken, works]), TypeError);
  });
  it("says that the stack does not know its Redis", async () => {
    await assert.rejects(
      openRoute({ cluster: {}, namespace: "n" }, stack),
      /neither which Pod Redis runs in nor its URL/,
    );
  });
});
