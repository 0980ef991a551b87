import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { KubeConfig } from "@kubernetes/client-node";
import { ruleAgainst } from "../../../components/cluster/dryRun.ts";

describe("a rule of the namespace against a pod", () => {
  let server: Server;
  let config: KubeConfig;
  /** Answer to a pod: a code and a message. */
  let answer: (pod: { loose?: boolean }) => [code: number, message: string];
  const asked: string[] = [];

  before(async () => {
    server = createServer((request, response) => {
      asked.push(request.url!);
      void text(request).then((body) => {
        const [code, message] = answer(JSON.parse(body) as { loose?: boolean });
        response.writeHead(code).end(JSON.stringify({ code, message }));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    config = new KubeConfig();
    config.loadFromClusterAndUser(
      { name: "c", server: `http://127.0.0.1:${port}`, skipTLSVerify: true },
      { name: "u" },
    );
  });
  after(() => void server.close());

  const rule = () => ruleAgainst(config, "/api/v1/namespaces/n/pods", { loose: true }, {});
  const refused = 'pods "dry-run-x" is forbidden: ';

  for (const words of [
    'violates PodSecurity "restricted:latest": privileged (container "c" must not set securityContext.privileged=true)',
    "ValidatingAdmissionPolicy 'team' with binding 'team' denied request: no pod on the host's network",
  ])
    it(`is reported in its words, by a dry run: ${words.slice(0, 25)}`, async () => {
      answer = ({ loose }) => (loose ? [403, refused + words] : [201, ""]);
      assert.equal(await rule(), words);
      assert.equal(asked.at(-1), "/api/v1/namespaces/n/pods?dryRun=All");
    });

  it("does not count if it refuses the made-up pod without the patch, too", async () => {
    answer = () => [403, `${refused}ValidatingAdmissionPolicy 'team' denied request: pods need the label team`];
    assert.equal(await rule(), undefined);
  });

  for (const [why, code, message] of [
    ["a right that is missing", 403, 'pods is forbidden: User "u" cannot create resource "pods"'],
    ["a quota, which may have room by then", 403, `${refused}exceeded quota: rule, requested: pods=1`],
    ["a namespace that is not there yet", 404, 'namespaces "n" not found'],
    ["a pod that is admitted", 201, ""],
  ] as const)
    it(`is not ${why}`, async () => {
      answer = ({ loose }) => (loose ? [code, message] : [201, ""]);
      assert.equal(await rule(), undefined);
    });

  it("is unknown if nobody answers", async () => {
    const away = new KubeConfig();
    away.loadFromClusterAndUser({ name: "c", server: "http://127.0.0.1:1", skipTLSVerify: true }, { name: "u" });
    assert.equal(await ruleAgainst(away, "/api/v1/namespaces/n/pods", { loose: true }, {}), undefined);
  });
});
