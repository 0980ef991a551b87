import assert from "node:assert/strict";
import { ApiException } from "@kubernetes/client-node";
import { isAnswered } from "../../../components/cluster/waitForServiceAccount.ts";

describe("the wait for the ServiceAccount of a namespace", () => {
  const answer = (code: number) => async () => {
    if (code !== 200) throw new ApiException(code, "no", {}, {});
    return {};
  };
  it("is only for a namespace that exists and has none yet", async () => {
    const table: [account: number, namespace: number, isAnswered: boolean][] = [
      [200, 200, true],
      [404, 200, false],
      [404, 403, false],
      [404, 404, true],
      [403, 200, true],
    ];
    for (const [account, namespace, expected] of table) {
      const core = { readNamespacedServiceAccount: answer(account), readNamespace: answer(namespace) };
      assert.equal(await isAnswered(core, "n"), expected, `${account} ${namespace}`);
    }
  });
});
