import assert from "node:assert/strict";
import { environmentUrl, socketAddress } from "../../../queue/index.ts";

describe("socketAddress", () => {
  it("takes the brackets from an IPv6 address", () => {
    assert.deepEqual(socketAddress("redis://:secret@[fd00::1]:7000/2"), { host: "fd00::1", port: 7000 });
    assert.deepEqual(socketAddress("redis://redis"), { host: "redis", port: 6379 });
  });
});

describe("environmentUrl", () => {
  it("takes the Service's address if its name does not resolve, also an IPv6 address", async () => {
    const url = (WQ_REDIS_HOST: string) =>
      environmentUrl({ WQ_REDIS_URL: "redis://redis.invalid:6379", WQ_REDIS_HOST, WQ_REDIS_PASSWORD: "a b" });
    assert.equal(await url("10.96.0.7"), "redis://:a%20b@10.96.0.7:6379");
    assert.equal(await url("fd00::7"), "redis://:a%20b@[fd00::7]:6379");
  });
});
