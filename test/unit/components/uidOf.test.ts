import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import { known, uidOf } from "../../../components/cluster/client.ts";
import type { K8sObject } from "../../../components/types.ts";

const uidIn = (metadata: object) => known(uidOf({ metadata: pulumi.output(metadata) } as K8sObject));

describe("uidOf", () => {
  it("is known if the API server gave one", async () => {
    assert.equal(await uidIn({ name: "seed", uid: "17" }), "17");
  });

  it("is unknown if a preview did not ask, although the rest is known", async () => {
    assert.equal(await uidIn({ name: "seed" }), undefined);
    assert.equal(await uidIn({ name: "seed", uid: pulumi.unknown }), undefined);
  });
});
