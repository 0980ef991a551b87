import assert from "node:assert/strict";
import { Absence } from "../../../components/cluster/absence.ts";
import type { Cluster } from "../../../components/cluster/client.ts";

describe("a cluster that does not answer", () => {
  let renewed = 0;
  const cluster = {
    config: { getCurrentCluster: () => ({ server: "https://k.example.com" }) },
    renew: () => Promise.resolve(void renewed++),
  } as unknown as Cluster;
  const refused = Object.assign(new Error("fetch failed"), { cause: new Error("connect ECONNREFUSED") });
  const unauthorized = Object.assign(new Error("Unauthorized"), { code: 401 });

  it("is said once after a minute, and an error after ten", async () => {
    const absence = new Absence(cluster);
    assert.equal(await absence.note(refused, 0), undefined);
    const line = "The cluster at https://k.example.com does not answer: connect ECONNREFUSED";
    assert.equal(await absence.note(refused, 60_000), `${line}; asking again.`);
    assert.equal(await absence.note(refused, 120_000), undefined);
    await assert.rejects(absence.note(refused, 600_000), {
      message: `${line}, for 10 minutes now: the batch goes on without \`up\`, and \`pulumi up\` waits on.`,
    });
  });

  it("is an error after 20 s if nothing has begun yet", async () => {
    const absence = new Absence(cluster, true);
    await absence.note(refused, 0);
    await absence.note(refused, 19_999);
    await assert.rejects(absence.note(refused, 20_000), {
      message: "The cluster at https://k.example.com does not answer: connect ECONNREFUSED.",
    });
  });

  it("is forgotten with an answer", async () => {
    const absence = new Absence(cluster);
    await absence.note(refused, 0);
    absence.end();
    assert.equal(await absence.note(refused, 60_000), undefined);
  });

  it("reads expired credentials again, and says to log in", async () => {
    const absence = new Absence(cluster);
    await absence.note(unauthorized, 0);
    assert.equal(renewed, 1);
    const line = "The cluster at https://k.example.com no longer takes the credentials of the kubeconfig: log in again";
    assert.equal(await absence.note(unauthorized, 60_000), `${line}; asking again.`);
  });
});
