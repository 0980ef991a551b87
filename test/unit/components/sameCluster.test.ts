import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { KubeConfig } from "@kubernetes/client-node";
import { checkSameCluster } from "../../../components/cluster/sameCluster.ts";

describe("the cluster of a Batch", () => {
  const servers: Server[] = [];
  after(() => servers.forEach((server) => server.close()));

  /** A connection to an API server that answers a request for `kube-system` with this status. */
  async function cluster(code: number, uid?: string) {
    const server = createServer((request, response) => {
      assert.equal(request.url, "/api/v1/namespaces/kube-system");
      response.writeHead(code).end(JSON.stringify({ metadata: { uid } }));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return at(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }
  function at(server: string) {
    const config = new KubeConfig();
    config.loadFromClusterAndUser({ name: "c", server, skipTLSVerify: true }, { name: "u" });
    return { config };
  }
  const server = ({ config }: { config: KubeConfig }) => config.getCurrentCluster()!.server;

  it("must be that of its Redis", async () => {
    const [one, other] = [await cluster(200, "1"), await cluster(200, "2")];
    await assert.rejects(checkSameCluster("Batch work", one, other), {
      message: `Batch work: it is on the cluster at ${server(one)}, and its Redis on that at ${server(other)}: give both the same Kubernetes provider.`,
    });
  });

  it("may have another address", async () => {
    await checkSameCluster("Batch work", await cluster(200, "1"), await cluster(200, "1"));
    await checkSameCluster("Batch work", at("http://127.0.0.1:1"), at("http://127.0.0.1:1"));
  });

  it("is taken for the same if it may not be asked, does not answer, or does not exist yet", async () => {
    const one = await cluster(200, "1");
    for (const other of [await cluster(403), at("http://127.0.0.1:1"), undefined])
      await checkSameCluster("Batch work", one, other);
  });
});
