import assert from "node:assert/strict";
import { parse } from "yaml";
import {
  cniConfig,
  containerdConfig,
  corefile,
  kubeletConfig,
  registryHosts,
} from "../../../../local/node/daemonConfigs.ts";

describe("the platform's config texts", () => {
  it("sends the pulls of unmodified names to the local registry", () => {
    const hosts = registryHosts();
    assert.match(hosts["docker.io"]!, /^\[host\."http:\/\/127\.0\.0\.1:5000"\]$/m);
    assert.match(hosts["127.0.0.1:5001"]!, /^server = "http:\/\/127\.0\.0\.1:5001"$/m);
    assert.match(containerdConfig("/s"), /config_path = "\/s\/certs\.d"/);
  });

  it("gives pods the name server on the bridge, and the bridge the pods' network", () => {
    const kubelet = parse(kubeletConfig("/s")) as Record<string, unknown>;
    assert.deepEqual(kubelet.clusterDNS, ["10.244.0.1"]);
    assert.equal(kubelet.podLogsDir, "/s/pod-logs");
    const cni = JSON.parse(cniConfig("/s")) as { plugins: { bridge?: string; ipam?: { ranges: unknown } }[] };
    assert.deepEqual(cni.plugins[0]!.ipam!.ranges, [[{ subnet: "10.244.0.0/24" }]]);
  });

  it("asks the machine's resolver for other names only where there is one", () => {
    assert.match(corefile("/s", true), /forward \. \/etc\/resolv\.conf/);
    assert.doesNotMatch(corefile("/s", false), /forward/);
  });
});
