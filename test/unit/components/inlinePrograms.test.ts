// Two inline programs of the Automation API in one process, as Pulumi starts them: each adds a listener of its own.
import assert from "node:assert/strict";
import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { ownError } from "../../../components/engine.ts";
import "../../../components/inlinePrograms.ts";

const EVENT = "unhandledRejection";
const { withLocalStorage } = createRequire(import.meta.url)("@pulumi/pulumi/runtime/state") as {
  withLocalStorage: <T>(run: () => T) => T;
};
const { resetOptions } = pulumi.runtime as unknown as { resetOptions: (...options: unknown[]) => void };

/** Begins a program. */
function begin(monitor: string) {
  return withLocalStorage(() => {
    resetOptions("project", "stack", -1, monitor, monitor, false, "organization");
    const told: string[] = [];
    const listener = ({ message }: Error) => void told.push(message);
    process.on(EVENT, listener);
    return { told, listener, within: AsyncLocalStorage.snapshot() };
  });
}

describe("inline programs side by side", () => {
  it("get errors of their own components alone, and all other errors as Pulumi reports them", async () => {
    const before = process.rawListeners(EVENT);
    const [one, two] = ["127.0.0.1:1", "127.0.0.1:2"].map(begin) as [
      ReturnType<typeof begin>,
      ReturnType<typeof begin>,
    ];
    await new Promise(setImmediate);
    const reject = (error: Error) => {
      for (const listener of process.rawListeners(EVENT)) if (!before.includes(listener)) listener(error, {});
    };
    reject(one.within(() => ownError(new Error("of one"))));
    reject(two.within(() => ownError(new Error("of two"))));
    reject(new Error("anybody's"));
    assert.deepEqual(one.told, ["of one", "anybody's"]);
    assert.deepEqual(two.told, ["of two", "anybody's"]);
    for (const { listener } of [one, two]) process.off(EVENT, listener);
    assert.deepEqual(process.rawListeners(EVENT), before);
  });
});
