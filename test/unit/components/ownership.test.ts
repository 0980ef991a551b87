import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Owner, stackKey } from "../../../components/cluster/owner.ts";
import { pathOf } from "../../../components/cluster/ownership.ts";

describe("the path of an object", () => {
  const paths: [type: string, path: string][] = [
    ["core/v1:Namespace", "/api/v1/namespaces/x"],
    ["core/v1:ConfigMap", "/api/v1/namespaces/n/configmaps/x"],
    ["core/v1:ServiceAccount", "/api/v1/namespaces/n/serviceaccounts/x"],
    ["apps/v1:StatefulSet", "/apis/apps/v1/namespaces/n/statefulsets/x"],
    ["batch/v1:Job", "/apis/batch/v1/namespaces/n/jobs/x"],
    ["networking.k8s.io/v1:NetworkPolicy", "/apis/networking.k8s.io/v1/namespaces/n/networkpolicies/x"],
    ["rbac.authorization.k8s.io/v1:RoleBinding", "/apis/rbac.authorization.k8s.io/v1/namespaces/n/rolebindings/x"],
  ];
  for (const [type, path] of paths)
    it(`is ${path} for ${type}`, () => assert.equal(pathOf(`kubernetes:${type}`, "x", "n"), path));
});

describe("a stack", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-key-"));
  const cwd = process.cwd();
  after(() => {
    process.chdir(cwd);
    rmSync(dir, { recursive: true });
  });
  const keyOf = (text: string) => {
    writeFileSync(join(dir, "Pulumi.mine.yaml"), text);
    return stackKey(join(dir, "Pulumi.mine.yaml"));
  };

  it("is told from another one of its name by the secrets of its state, and by nothing else of its file", () => {
    const [ours, theirs] = [keyOf("encryptionsalt: v1:abc\n"), keyOf("encryptionsalt: v1:xyz\n")];
    assert.match(ours!, /^[0-9a-f]{16}$/);
    assert.notEqual(ours, theirs);
    assert.equal(keyOf("config:\n  p:run: 2\nencryptionsalt: v1:abc\n"), ours);
    assert.notEqual(keyOf("secretsprovider: awskms://x\nencryptedkey: AQID\n"), undefined);
    assert.equal(keyOf("config: {}\n"), undefined);
    assert.equal(stackKey(join(dir, "Pulumi.nobody.yaml")), undefined);
  });

  it("owns its objects, those of before there were keys, and with `owner` those of that name", () => {
    process.chdir(dir);
    const stack = new Owner(undefined); // of the file Pulumi.stack.yaml
    const name = { "job-wq-2/owner": stack.name };
    writeFileSync(join(dir, `Pulumi.${stack.name.split("/")[1]}.yaml`), "encryptionsalt: v1:abc\n");
    const keyed = new Owner(undefined);
    const own = { ...name, "job-wq-2/stack-key": keyOf("encryptionsalt: v1:abc\n")! };
    const other = { ...name, "job-wq-2/stack-key": keyOf("encryptionsalt: v1:xyz\n")! };
    const table: [of: Owner, annotations: Record<string, string> | undefined, owns: boolean][] = [
      [keyed, own, true],
      [keyed, name, true],
      [keyed, other, false],
      [keyed, { "job-wq-2/owner": "p/else" }, false],
      [keyed, undefined, false],
      [stack, other, true],
      [new Owner(stack.name), other, true],
    ];
    for (const [of, annotations, owns] of table) assert.equal(of.owns(annotations), owns, JSON.stringify(annotations));
  });
});
