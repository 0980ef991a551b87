import assert from "node:assert/strict";
import { parse } from "yaml";
import {
  cniConfig,
  containerdConfig,
  corefile,
  kubeletConfig,
  registryHosts,
} from "../../../../local/node/daemonConfigs.ts";
import { allNodes, firstNode } from "../../../../local/node/nodes.ts";
import { daemons } from "../../../../local/node/daemons.ts";
import { stateDir } from "../../../../local/paths.ts";

describe("the platform's daemons", () => {
  it("have the same commands before and after their packages are installed, so a second `up` restarts none", () => {
    for (const name of ["etcd", "containerd", "dockerd", "docker-registry"])
      assert.equal(daemons(allNodes)[name]?.command, name);
  });
});

describe("the platform's configuration files", () => {
  it("send the pulls of unmodified names to the local registry", () => {
    const hosts = registryHosts();
    assert.match(hosts["docker.io"]!, /^\[host\."http:\/\/127\.0\.0\.1:5000"\]$/m);
    assert.match(hosts["127.0.0.1:5001"]!, /^server = "http:\/\/127\.0\.0\.1:5001"$/m);
    assert.ok(containerdConfig(firstNode).includes(`config_path = "${stateDir}/certs.d"`));
  });

  it("give pods the name server on the bridge, and the bridge the pods' network", () => {
    const kubelet = parse(kubeletConfig(firstNode)) as Record<string, unknown>;
    assert.deepEqual(kubelet.clusterDNS, ["10.244.0.1"]);
    const cni = JSON.parse(cniConfig()) as { plugins: { bridge?: string; ipam?: { ranges: unknown } }[] };
    assert.deepEqual(cni.plugins[0]!.ipam!.ranges, [[{ subnet: "10.244.0.0/24" }]]);
  });

  it("share nothing between nodes: no name, socket, folder, port or cgroup", () => {
    const [first, second] = allNodes.map((node) => JSON.stringify(node).match(/"[^"]+":("[^"]+"|\d+)/g)!);
    assert.deepEqual(
      first!.filter((value) => second!.includes(value)),
      [],
    );
    const roots = allNodes.map((node) => (parse(kubeletConfig(node)) as { cgroupRoot: string }).cgroupRoot);
    assert.deepEqual(roots, ["/job-wq-2", "/job-wq-2-b"]);
  });

  it("ask the machine's resolver for other names only if there is one", () => {
    assert.match(corefile(true), /forward \. \/etc\/resolv\.conf/);
    assert.doesNotMatch(corefile(false), /forward/);
  });
});
