import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeRegistry, withoutOurRules } from "../../../../local/node/network.ts";

const foreign = ["*nat", ":PREROUTING ACCEPT [0:0]", ":MINE - [0:0]", "-A PREROUTING -j MINE", "COMMIT", ""].join("\n");

describe("the rule that closes the registry", () => {
  it("does not count as set if iptables refuses it", async () => {
    const bin = mkdtempSync(join(tmpdir(), "job-wq-2-iptables-"));
    const { PATH } = process.env;
    process.env.PATH = `${bin}:${PATH}`;
    try {
      for (const [script, isClosed] of [
        ['[ "$1" = -I ]', true],
        ['[ "$1" = -C ]', true],
        ["false", false],
      ] as const) {
        writeFileSync(join(bin, "iptables"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
        assert.equal(await closeRegistry(), isClosed, script);
      }
    } finally {
      process.env.PATH = PATH;
      rmSync(bin, { recursive: true });
    }
  });
});

describe("iptables rules that `down` removes", () => {
  it("do not include rules of others", () => {
    assert.equal(withoutOurRules(foreign), undefined);
  });

  it("are the chains of Kubernetes and of our pod network, with all rules that lead to them", () => {
    const dump = [
      "*nat",
      ":PREROUTING ACCEPT [0:0]",
      ":MINE - [0:0]",
      ":KUBE-SERVICES - [0:0]",
      ":CNI-0123456789abcdef - [0:0]",
      "-A PREROUTING -j MINE",
      '-A OUTPUT -d 127.0.0.1/32 -p tcp -m tcp --dport 5000 -m owner ! --uid-owner 0 -m comment --comment "name: \\"job-wq-2\\"" -j REJECT --reject-with tcp-reset',
      '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
      '-A POSTROUTING -s 10.244.0.2/32 -m comment --comment "name: \\"job-wq-2\\" id: \\"x\\"" -j CNI-0123456789abcdef',
      '-A CNI-0123456789abcdef -d 10.244.0.0/24 -m comment --comment "name: \\"job-wq-2\\" id: \\"x\\"" -j ACCEPT',
      "COMMIT",
      "",
    ].join("\n");
    assert.equal(withoutOurRules(dump), foreign);
  });

  it("include the chain of a pod whose network was half made, and none that is in use", () => {
    const half = ":CNI-0123456789abcdef01234567 - [0:0]";
    const used = [":CNI-76543210fedcba9876543210 - [0:0]", "-A PREROUTING -j CNI-76543210fedcba9876543210"];
    const dump = (...lines: string[]) => ["*nat", ...lines, "COMMIT", ""].join("\n");
    assert.equal(withoutOurRules(dump(half, ...used)), dump(...used));
    assert.equal(withoutOurRules(dump(...used)), undefined);
  });
});
